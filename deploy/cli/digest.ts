import { cellJson } from "../../shared/cell-json.js";
import type { AtollEvent } from "../../shared/client/events.js";
import { AtollError } from "../../shared/errors.js";
import type { Definition, Group } from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Column } from "../terminal/table.js";
import { cellLine, cellTexts, measureHeads } from "./cell.js";
import type { Environment } from "./environment.js";
import { FRESHNESS_COLUMNS, freshnessJson, freshnessRow } from "./freshness.js";

/** What `digest get` and `digest watch` may be narrowed to. */
export interface DigestFilter {
  readonly groups: readonly string[];
  readonly regions: readonly string[];
  /** The oldest part of any region that is taken, in milliseconds; only for `digest get`. */
  readonly maxStalenessMs?: number;
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

function groupJson(group: Group, definition: Definition | undefined): Record<string, unknown> {
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
        regions: [...filter.regions],
        groups: { keys: filter.groups.map(groupKey) },
        contract:
          filter.maxStalenessMs === undefined ? {} : { maxStalenessMs: filter.maxStalenessMs },
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
  environment.line("");
  environment.table(FRESHNESS_COLUMNS, answer.regions.map(freshnessRow));
  if (answer.otherDefinition.length > 0) {
    environment.line(`not merged, on another definition: ${answer.otherDefinition.join(", ")}`);
  }
}

/** Prints an event of a subscription: as a line of JSON, or as lines for people. */
function printEvent(environment: Environment, event: AtollEvent): void {
  const emit = (value: unknown, lines: readonly string[]): void => {
    if (environment.form === "json") environment.jsonLine(value);
    else for (const line of lines) environment.line(line);
  };
  switch (event.type) {
    case "snapshot":
    case "delta": {
      const { definition, groups } = event;
      const reset = event.type === "snapshot";
      const removed = event.type === "delta" ? event.removed : [];
      const value = {
        ...{ event: "update", reset },
        groups: groups.map((group) => groupJson(group, definition)),
        removed: removed.map((key) => JSON.parse(key) as unknown),
        regions: event.regions.map(freshnessJson),
      };
      emit(value, [
        ...(reset ? ["-- snapshot"] : []),
        ...groups.map((group) => groupLine(group, definition)),
        ...removed.map((key) => `${groupText(key)}  removed`),
      ]);
      break;
    }
    case "freshness":
    case "failover":
      break;
    default: {
      const { type, region, summary, message } = event;
      emit({ event: "notice", kind: type, region, summary, message }, [`-- ${message}`]);
    }
  }
}

function groupLine(group: Group, definition: Definition | undefined): string {
  const cells = (definition?.measures ?? []).map(
    (measure, i) => `${measure.name}=${cellLine(group.cells[i])}`,
  );
  return `${groupText(group.key)}  ${cells.join("  ")}`;
}

/**
 * `atoll digest watch`: the snapshot, then each change, until `signal` fires. Goes on at
 * the next gateway, from where it was, when one is lost.
 */
export async function watchDigest(
  environment: Environment,
  summary: string,
  filter: DigestFilter,
  signal: AbortSignal,
): Promise<void> {
  const request = {
    summaries: [summary],
    regions: [...filter.regions],
    groups: { keys: filter.groups.map(groupKey) },
  };
  await environment.withClient(async (client) => {
    for await (const event of client.subscribe(request, { signal })) printEvent(environment, event);
  });
}
