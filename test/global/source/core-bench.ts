import { expect } from "vitest";
import { SourceCore } from "../../../global/source/core.js";
import type { Page, PageRequest } from "../../../global/source/scan.js";
import type { SourceEvent, SourceOutput } from "../../../global/source/types.js";
import { fromBinaryKey, utf8 } from "../../../shared/bytes.js";
import type { Incarnation } from "../../../shared/etcd/incarnation.js";
import type { WatchEvent, WatchMessage } from "../../../shared/etcd/watch.js";

export const INCARNATION: Incarnation = {
  counter: 1,
  nonce: "a".repeat(32),
  baseRevision: 0,
  parentNonce: "",
};
export const HEADER = { clusterId: "1", memberId: "1", raftTerm: 1 };
export const instant = (ms: number) => ({ monotonicMs: ms, wallMs: ms });

export function message(events: WatchEvent[], more: Partial<WatchMessage> = {}): WatchMessage {
  const revision = events.at(-1)?.kv.modRevision ?? 0;
  return {
    header: { ...HEADER, revision },
    created: false,
    fragment: false,
    forStream: false,
    events,
    ...more,
  };
}

export function put(key: string, modRevision: number, value = "v", version = 1): WatchEvent {
  const kv = {
    key: fromBinaryKey(key),
    value: utf8(value),
    createRevision: 1,
    modRevision,
    version,
    lease: 0n,
  };
  return { type: "put", kv };
}

export function progress(revision: number, forStream = false): WatchMessage {
  return message([], { header: { ...HEADER, revision }, forStream });
}

/** A store that changes, and a core that follows it by a watch that may lag. */
export class Bench {
  readonly core = new SourceCore({ key: "/", end: "0" });
  readonly outputs: SourceOutput[] = [];
  /** All states that the store ever had, by revision. */
  readonly states: Map<string, SourceEvent>[] = [new Map()];
  readonly undelivered: SourceEvent[] = [];
  readonly applied = new Map<string, SourceEvent>();
  /** The first read was said to its end. */
  #isWhole = false;

  get revision(): number {
    return this.states.length - 1;
  }

  /** One transaction. */
  write(changes: readonly (readonly [string, string | undefined])[]): void {
    const state = new Map(this.states.at(-1));
    const modRevision = this.revision + 1;
    const events: SourceEvent[] = [];
    for (const [key, value] of changes) {
      if (value === undefined && !state.delete(key)) continue;
      const event = { key, value: value === undefined ? undefined : utf8(value), modRevision };
      if (value !== undefined) state.set(key, event);
      if (key.startsWith("/")) events.push(event);
    }
    this.states.push(state);
    this.undelivered.push(...events);
  }

  /** Begins with a first read: of the store as it is, or as it was at a revision. */
  begin(revision = this.revision): void {
    while ((this.undelivered[0]?.modRevision ?? Number.POSITIVE_INFINITY) <= revision) {
      this.undelivered.shift();
    }
    this.core.begin({
      incarnation: INCARNATION,
      reason: "test",
      revision,
      isPast: revision < this.revision,
      lineage: undefined,
      lineageVersion: 0,
      lineageRevision: 0,
    });
    this.take();
  }

  /** Reads to the end of the first read. */
  readAll(): void {
    for (let asked = this.core.request(); asked !== undefined; asked = this.core.request()) {
      this.core.page(asked, this.read(asked), this.core.position);
    }
  }

  /**
   * Delivers so many of the waiting events, complete revisions or in fragments; none while
   * the store's past is read.
   */
  deliver(count: number, inFragments: boolean): void {
    if (this.core.isReadingPast) return;
    const events = this.undelivered.splice(0, count);
    const last = events.at(-1)?.modRevision;
    const cutsRevision = last !== undefined && this.undelivered[0]?.modRevision === last;
    if (cutsRevision && !inFragments) {
      while (this.undelivered[0]?.modRevision === last) {
        events.push(this.undelivered.shift() as SourceEvent);
      }
    }
    const wire = events.map((event): WatchEvent => {
      const { kv } = put(event.key, event.modRevision);
      return event.value === undefined
        ? { type: "delete", kv: { ...kv, value: new Uint8Array(0), version: 0 } }
        : { type: "put", kv: { ...kv, value: event.value } };
    });
    if (wire.length > 0)
      this.core.message(message(wire, { fragment: cutsRevision && inFragments }), false);
    else if (this.undelivered.length === 0) this.core.message(progress(this.revision), false);
    this.take();
  }

  /** Reads the page that was asked for, as the store is now unless asked for its past. */
  read(request: PageRequest): Page {
    const { revision = this.revision } = request;
    const records = [...(this.states[revision] as Map<string, SourceEvent>).values()]
      .filter(({ key }) => key >= request.key && key < request.end)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const page = records.slice(0, Math.min(request.limit, 2));
    return {
      revision,
      records: page,
      more: page.length < records.length,
      bytes: 1,
      tookMs: 1,
    };
  }

  take(): void {
    for (const output of this.core.takeOutputs()) {
      this.outputs.push(output);
      if (output.kind === "reset") {
        this.applied.clear();
        this.#isWhole = false;
      }
      const records =
        output.kind === "load" ? output.records : output.kind === "batch" ? output.events : [];
      for (const record of records) {
        if (record.value === undefined) this.applied.delete(record.key);
        else this.applied.set(record.key, record);
      }
      if (output.kind === "load" && output.done) this.#isWhole = true;
      if (output.kind === "load" || output.kind === "batch") this.check(output.revision);
    }
  }

  /** The state that was said is the one that the store had. */
  check(revision: number): void {
    const state = this.states[revision];
    if (!this.#isWhole || state === undefined) return;
    const expected = [...state]
      .filter(([key]) => key.startsWith("/"))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    expect([...this.applied].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(expected);
  }
}
