import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { utf8 } from "../../../shared/bytes.js";
import { errorText } from "../../../shared/errors.js";
import { ATOLL_PREFIX } from "../../../shared/etcd/keys.js";
import {
  MAX_DEFINITION_BYTES,
  MAX_GROUP_BY_EXPRESSIONS,
  MAX_MEASURES_PER_SUMMARY,
  MAX_PACKED_MEASURES,
  MAX_PREFIX_BYTES,
} from "../../../shared/limits.js";
import { isPacked } from "../../digest/packed.js";
import { Expression } from "../cel/expression.js";
import type { DefinitionIssue } from "../types.js";
import type { Measure, SummaryDefinition } from "./definition.js";
import { definitionError, issueAt } from "./issue.js";
import { compileMeasure } from "./measure.js";

const SUMMARY_NAME = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/;
const MEASURE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

const schema = z.strictObject({
  name: z
    .string()
    .regex(SUMMARY_NAME, "is not a name: 1 to 63 of a-z, 0-9, - and _, such as machines"),
  prefix: z
    .string()
    .startsWith("/", 'must begin with "/", such as /machines/')
    .refine((prefix) => utf8(prefix).length <= MAX_PREFIX_BYTES, {
      message: `has more than ${MAX_PREFIX_BYTES} bytes`,
    })
    .refine((prefix) => !prefix.startsWith(ATOLL_PREFIX), {
      message: `keys below ${ATOLL_PREFIX} are Atoll's own`,
    }),
  where: z.string().optional(),
  groupBy: z.array(z.string()).max(MAX_GROUP_BY_EXPRESSIONS).default([]),
  measures: z
    .record(
      z
        .string()
        .regex(MEASURE_NAME, "is not a measure's name: a letter, then letters, digits and _"),
      z.string(),
    )
    .refine((measures) => Object.keys(measures).length > 0, {
      message: "name at least one, such as machines: count()",
    })
    .refine((measures) => Object.keys(measures).length <= MAX_MEASURES_PER_SUMMARY, {
      message: `there are more than ${MAX_MEASURES_PER_SUMMARY}`,
    }),
});
type Written = z.infer<typeof schema>;

/** A definition, or all that is wrong with it. */
export type Checked =
  | { readonly definition: SummaryDefinition }
  | { readonly issues: readonly DefinitionIssue[] };

/**
 * Reads a definition, YAML or JSON. `source` names the file or key in errors. Throws
 * INVALID_ARGUMENT with, for each thing wrong, the field, the reason and, in CEL
 * text, the position with a caret below the line.
 */
export function parseDefinition(text: string, source: string): SummaryDefinition {
  const checked = checkDefinition(text);
  if ("issues" in checked) throw definitionError(source, checked.issues);
  return checked.definition;
}

/** The same without throwing. */
export function checkDefinition(text: string): Checked {
  const size = utf8(text).length;
  if (size > MAX_DEFINITION_BYTES) {
    const reason = `the definition has ${size} bytes; the limit is ${MAX_DEFINITION_BYTES}`;
    return { issues: [{ field: "", reason }] };
  }
  const written = parseYaml(text);
  if ("issues" in written) return written;
  const parsed = schema.safeParse(written.value);
  return parsed.success ? compile(parsed.data) : { issues: schemaIssues(parsed.error) };
}

function parseYaml(text: string): { value: unknown } | { issues: DefinitionIssue[] } {
  try {
    const lineCounter = new LineCounter();
    const document = parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      logLevel: "error",
    });
    const error = document.errors[0];
    if (error === undefined) return { value: document.toJS() };
    const offset = Math.min(error.pos[0], text.length);
    return { issues: [issueAt("", text, { reason: `not YAML: ${error.message}`, offset })] };
  } catch (thrown) {
    const reason = thrown instanceof RangeError ? "it is nested too deeply" : errorText(thrown);
    return { issues: [{ field: "", reason: `not YAML: ${reason}` }] };
  }
}

function schemaIssues(error: z.ZodError): DefinitionIssue[] {
  return error.issues.map((issue) => {
    const field = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys(schema.shape).join(", ");
      return { field, reason: `unknown field ${issue.keys.join(", ")}; there are ${known}` };
    }
    if (issue.code === "invalid_key") {
      return { field, reason: issue.issues[0]?.message ?? issue.message };
    }
    if (issue.code === "invalid_type" && issue.path.length === 0) {
      return { field, reason: "a definition is a mapping with name, prefix and measures" };
    }
    return { field, reason: issue.message };
  });
}

function compile(written: Written): Checked {
  const issues: DefinitionIssue[] = [];
  const where = written.where === undefined ? undefined : compileField("where", written.where);
  if (where !== undefined) wantType("where", where, ["bool", "json", "any"]);
  const groupBy: Expression[] = [];
  for (const [index, text] of written.groupBy.entries()) {
    const field = `groupBy.${index}`;
    const expression = compileField(field, text);
    if (expression === undefined) continue;
    wantType(field, expression, ["bool", "double", "int", "uint", "string", "json", "any"]);
    groupBy.push(expression);
  }
  const measures: Measure[] = [];
  for (const [name, text] of Object.entries(written.measures)) {
    const measure = compileMeasure(name, text);
    if (Array.isArray(measure)) issues.push(...measure);
    else measures.push(measure);
  }
  if (measures.filter(isPacked).length > MAX_PACKED_MEASURES) {
    const reason = `there are more than ${MAX_PACKED_MEASURES} besides count, sum, min and max`;
    issues.push({ field: "measures", reason });
  }
  if (issues.length > 0) return { issues };
  const { name, prefix } = written;
  return { definition: { name, prefix, where, groupBy, measures } };

  function compileField(field: string, text: string): Expression | undefined {
    const trimmed = text.trim();
    const compiled = Expression.compile(trimmed);
    if (!Array.isArray(compiled)) return compiled;
    issues.push(...compiled.map((issue) => issueAt(field, trimmed, issue)));
    return undefined;
  }

  function wantType(field: string, expression: Expression, types: readonly string[]): void {
    if (types.includes(expression.type)) return;
    const wanted = field === "where" ? "it must be a bool" : "it must be text, a number or a bool";
    const reason = `its type is ${expression.type}; ${wanted}`;
    issues.push(issueAt(field, expression.text, { reason, offset: 0 }));
  }
}
