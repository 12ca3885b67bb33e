import { AtollError } from "../../../shared/errors.js";
import type { ExpressionIssue } from "../cel/check.js";
import type { DefinitionIssue } from "../types.js";

/** An issue at an offset of a text, told by line and column. */
export function issueAt(
  field: string,
  text: string,
  { reason, offset }: ExpressionIssue,
): DefinitionIssue {
  // CEL's positions may stand on the space before what they mean.
  const space = /^\s*/.exec(text.slice(offset))?.[0].length ?? 0;
  const at = offset + space < text.length ? offset + space : offset;
  const before = text.slice(0, at).split("\n");
  const column = (before.at(-1)?.length ?? 0) + 1;
  return { field, reason, text, line: before.length, column };
}

/**
 * An issue for people: the field, the reason, the position, and below it the line
 * with a caret under the place.
 */
export function formatIssue(issue: DefinitionIssue): string {
  const head = issue.field === "" ? issue.reason : `${issue.field}: ${issue.reason}`;
  if (issue.text === undefined || issue.line === undefined || issue.column === undefined) {
    return head;
  }
  const line = (issue.text.split("\n")[issue.line - 1] ?? "").replaceAll("\t", " ");
  const caret = `${" ".repeat(issue.column - 1)}^`;
  return `${head} (${issue.line}:${issue.column})\n  ${line}\n  ${caret}`;
}

/** All issues of a definition as one error. `source` names the file or key. */
export function definitionError(source: string, issues: readonly DefinitionIssue[]): AtollError {
  const details = { source, field: issues[0]?.field ?? "" };
  const text = issues.map((issue) => `${source}: ${formatIssue(issue)}`).join("\n");
  return new AtollError("INVALID_ARGUMENT", text, { details });
}
