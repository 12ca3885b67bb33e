import { cellJson } from "../../shared/cell-json.js";
import { AtollError } from "../../shared/errors.js";
import {
  type Definition,
  GlobalService,
  type Group,
  type SubscribeResponse,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import type { Column } from "../terminal/table.js";
import { callAny, firstToAnswer } from "./any-endpoint.js";
import { cellLine, cellTexts, measureHeads } from "./cell.js";
import type { Environment } from "./environment.js";
import { FRESHNESS_COLUMNS, freshnessJson, freshnessRow } from "./freshness.js";

/** What `digest get` and `digest watch` may be narrowed to. */
export interface DigestFilter {
  readonly groups: readonly string[];
  readonly regions: readonly string[];
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
  let after = "";
  for (;;) {
    const answer = await callAny(environment.gateways(), "gateway", GlobalService.method.get, {
      summary,
      regions: [...filter.regions],
      groups: { keys: filter.groups.map(groupKey) },
      after,
    });
    groups.push(...answer.groups);
    const last = answer.groups.at(-1);
    if (answer.more && last !== undefined) {
      after = last.key;
      continue;
    }
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
    return;
  }
}

/** Prints a subscription's events one by one, with the definition that each summary has at the time. */
class WatchPrinter {
  readonly #environment: Environment;
  #definition: Definition | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  print({ event }: SubscribeResponse): void {
    if (event.case === "update") {
      const update = event.value;
      this.#definition = update.definition ?? this.#definition;
      const regions = update.regions.map(freshnessJson);
      const groups = update.groups.map((group) => groupJson(group, this.#definition));
      this.#emit(
        {
          event: "update",
          reset: update.reset,
          groups,
          removed: update.removed.map((key) => JSON.parse(key) as unknown),
          regions,
        },
        () => [
          ...(update.reset ? ["-- snapshot"] : []),
          ...update.groups.map((group) => this.#groupLine(group)),
          ...update.removed.map((key) => `${groupText(key)}  removed`),
        ],
      );
    } else if (event.case === "notice") {
      const { kind, region, summary, message } = event.value;
      this.#emit({ event: "notice", kind, region, summary, message }, () => [`-- ${message}`]);
    }
  }

  #groupLine(group: Group): string {
    const cells = (this.#definition?.measures ?? []).map(
      (measure, i) => `${measure.name}=${cellLine(group.cells[i])}`,
    );
    return `${groupText(group.key)}  ${cells.join("  ")}`;
  }

  #emit(value: unknown, lines: () => string[]): void {
    if (this.#environment.form === "json") this.#environment.jsonLine(value);
    else for (const line of lines()) this.#environment.line(line);
  }
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
  const printer = new WatchPrinter(environment);
  let resumeToken = new Uint8Array(0);
  let heard = false;
  const follow = async (target: string): Promise<void> => {
    const client = new RpcClient(target);
    try {
      const request = {
        summaries: [summary],
        regions: [...filter.regions],
        groups: { keys: filter.groups.map(groupKey) },
        resumeToken,
      };
      const stream = client.serverStream(GlobalService.method.subscribe, request, { signal });
      for await (const message of stream) {
        heard = true;
        if (message.event.case === "heartbeat") {
          resumeToken = Uint8Array.from(message.event.value.resumeToken);
        } else {
          printer.print(message);
        }
      }
      throw new AtollError("UNAVAILABLE", "the gateway ended the stream");
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      client.close();
    }
  };
  while (!signal.aborted) {
    heard = false;
    try {
      await firstToAnswer(environment.gateways(), "gateway", follow);
    } catch (error) {
      // One that was heard and then lost is no reason to give up: begin again with the first.
      if (!heard) throw error;
    }
  }
}
