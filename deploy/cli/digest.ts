import { cellJson } from "../../shared/cell-json.js";
import { AtollError } from "../../shared/errors.js";
import type { Definition, Group } from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Column } from "../terminal/table.js";
import { cellTexts, measureHeads } from "./cell.js";
import type { ContractMessage } from "./contract-options.js";
import type { Environment } from "./environment.js";
import { FRESHNESS_COLUMNS, freshnessJson, freshnessRow } from "./freshness.js";

/** What `digest get` and `digest watch` may be narrowed to. */
export interface DigestFilter {
  readonly groups: readonly string[];
  /** What the groups' first value begins with. */
  readonly prefix?: string;
  readonly regions: readonly string[];
  readonly contract?: ContractMessage;
  /** Shortest time between two updates, in ms; only for `digest watch`. */
  readonly intervalMs?: number;
}

/** A group as a user types it: a JSON array, or the only value as plain text. */
export function groupKey(text: string): string {
  if (!text.startsWith("[")) return JSON.stringify([text]);
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    throw new AtollError(
      "INVALID_ARGUMENT",
      `--group: ${text} is not a JSON array such as ["api","blue"]`,
    );
  }
}

/** A group's key for people: its values, separated by commas. */
export function groupText(key: string): string {
  const values: unknown = JSON.parse(key);
  if (!Array.isArray(values)) return key;
  if (values.length === 0) return "(all)";
  return values
    .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
    .join(", ");
}

/** A filter as requests have it. */
export function narrowingOf({ groups, prefix = "", regions, contract = {} }: DigestFilter) {
  return { groups: { keys: groups.map(groupKey), prefix }, regions: [...regions], contract };
}

/** A group as JSON, its measures by name. */
export function groupJson(
  group: Group,
  definition: Definition | undefined,
): Record<string, unknown> {
  const measures = (definition?.measures ?? []).map((measure, i) => [
    measure.name,
    cellJson(group.cells[i]),
  ]);
  return { group: JSON.parse(group.key), measures: Object.fromEntries(measures) };
}

function groupColumns(definition: Definition | undefined): Column[] {
  const measures = (definition?.measures ?? []).flatMap(measureHeads);
  return [{ head: "GROUP" }, ...measures.map((head): Column => ({ head, align: "right" }))];
}

function groupRow(group: Group): string[] {
  return [groupText(group.key), ...group.cells.flatMap(cellTexts)];
}

/** `atoll digest get`: one summary, merged over regions, with how old each part is. */
export async function getDigest(
  environment: Environment,
  summary: string,
  filter: DigestFilter,
): Promise<void> {
  const groups: Group[] = [];
  const answer = await environment.withClient(async (client) => {
    let after = "";
    for (;;) {
      const page = await client.get({
        summary,
        ...narrowingOf(filter),
        after,
      });
      groups.push(...page.groups);
      const last = page.groups.at(-1);
      if (!page.more || last === undefined) return page;
      after = last.key;
    }
  });
  if (environment.form === "json") {
    environment.json({
      summary,
      groups: groups.map((group) => groupJson(group, answer.definition)),
      regions: answer.regions.map(freshnessJson),
      otherDefinition: answer.otherDefinition,
    });
    return;
  }
  environment.table(groupColumns(answer.definition), groups.map(groupRow));
  if (groups.length === 0) environment.line("(no groups)");
  environment.line("");
  environment.table(FRESHNESS_COLUMNS, answer.regions.map(freshnessRow));
  if (answer.otherDefinition.length > 0) {
    environment.line(`not merged, on another definition: ${answer.otherDefinition.join(", ")}`);
  }
}
