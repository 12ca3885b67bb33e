import { equals } from "@bufbuild/protobuf";
import { type Group, GroupSchema } from "../gen/atoll/global/v1/global_pb.js";
import type { DeltaEvent, SnapshotEvent } from "./events.js";

/**
 * What a consumer was told of each summary's groups. A gateway knows of a group's last
 * change only that it came with some delta, so the first update after a change of the
 * gateway may say again what the consumer has: that is left out.
 */
export class ToldGroups {
  readonly #summaries = new Map<string, Map<string, Group>>();
  /** Summaries of which another gateway is yet to tell something. */
  readonly #resumed = new Set<string>();

  /** Another gateway goes on. */
  resumed(): void {
    for (const summary of this.#summaries.keys()) this.#resumed.add(summary);
  }

  /** Takes note of an event; gives what of it is news, undefined when nothing is. */
  take(event: SnapshotEvent | DeltaEvent): SnapshotEvent | DeltaEvent | undefined {
    const isFirst = this.#resumed.delete(event.summary);
    const told = this.#summaries.get(event.summary);
    if (event.type === "snapshot" || told === undefined) {
      this.#summaries.set(event.summary, new Map(event.groups.map((group) => [group.key, group])));
      return event;
    }
    const news = isFirst ? newsOf(event, told) : event;
    for (const group of news.groups) told.set(group.key, group);
    for (const key of news.removed) told.delete(key);
    const isEmpty = news.groups.length + news.removed.length + news.byRegion.length === 0;
    return isFirst && isEmpty ? undefined : news;
  }
}

function newsOf(event: DeltaEvent, told: ReadonlyMap<string, Group>): DeltaEvent {
  const groups = event.groups.filter((group) => {
    const had = told.get(group.key);
    return had === undefined || !equals(GroupSchema, had, group);
  });
  return { ...event, groups, removed: event.removed.filter((key) => told.has(key)) };
}
