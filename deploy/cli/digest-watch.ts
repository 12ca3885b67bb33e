import type { AtollEvent } from "../../shared/client/events.js";
import type {
  Definition,
  Group,
  RegionFreshness,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { cellLine } from "./cell.js";
import { type DigestFilter, groupJson, groupText, narrowingOf } from "./digest.js";
import type { Environment } from "./environment.js";
import { freshnessJson } from "./freshness.js";

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
    ...narrowingOf(filter),
    minIntervalMs: filter.intervalMs ?? 0,
  };
  const misses = new MissLines();
  await environment.withClient(async (client) => {
    for await (const event of client.subscribe(request, { signal })) {
      printEvent(environment, event);
      if ("regions" in event) printMisses(environment, misses.news(event.regions));
    }
  });
}

/** What regions miss of the contract: told when its kinds change, not with every age. */
class MissLines {
  readonly #told = new Map<string, string>();

  /** The regions of which something else is missed now. */
  news(regions: readonly RegionFreshness[]): RegionFreshness[] {
    return regions.filter(({ region, misses }) => {
      const kinds = misses.map(({ kind }) => kind).join();
      if ((this.#told.get(region) ?? "") === kinds) return false;
      this.#told.set(region, kinds);
      return true;
    });
  }
}

function printMisses(environment: Environment, regions: readonly RegionFreshness[]): void {
  for (const region of regions) {
    if (environment.form === "json") {
      environment.jsonLine({ event: "contract", ...freshnessJson(region) });
    } else {
      const texts = region.misses.map(({ message }) => message);
      environment.line(`-- ${region.region}: ${texts.join("; ") || "meets the contract again"}`);
    }
  }
}
