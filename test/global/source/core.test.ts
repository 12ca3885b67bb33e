import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SourceCore } from "../../../global/source/core.js";
import type { Page, PageRequest } from "../../../global/source/scan.js";
import type { SourceEvent, SourceOutput } from "../../../global/source/types.js";
import { fromBinaryKey, utf8 } from "../../../shared/bytes.js";
import { AtollError } from "../../../shared/errors.js";
import { encodeIncarnation, type Incarnation } from "../../../shared/etcd/incarnation.js";
import { INCARNATION_KEY, LINEAGE_KEY } from "../../../shared/etcd/keys.js";
import { encodeLineage } from "../../../shared/etcd/lineage.js";
import type { WatchEvent, WatchMessage } from "../../../shared/etcd/watch.js";

const INCARNATION: Incarnation = {
  counter: 1,
  nonce: "a".repeat(32),
  baseRevision: 0,
  parentNonce: "",
};
const HEADER = { clusterId: "1", memberId: "1", raftTerm: 1 };
const instant = (ms: number) => ({ monotonicMs: ms, wallMs: ms });

function message(events: WatchEvent[], more: Partial<WatchMessage> = {}): WatchMessage {
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

function put(key: string, modRevision: number, value = "v", version = 1): WatchEvent {
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

function progress(revision: number, forStream = false): WatchMessage {
  return message([], { header: { ...HEADER, revision }, forStream });
}

/** A store that changes, and a core that follows it by a watch that may lag. */
class Bench {
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

  begin(): void {
    this.undelivered.length = 0;
    this.core.begin({
      incarnation: INCARNATION,
      reason: "test",
      revision: this.revision,
      lineage: undefined,
      lineageVersion: 0,
      lineageRevision: 0,
    });
    this.take();
  }

  /** Delivers so many of the waiting events, complete revisions or in fragments. */
  deliver(count: number, inFragments: boolean): void {
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

  /** Reads the page that was asked for, as the store is now. */
  read(request: PageRequest): Page {
    const records = [...(this.states.at(-1) as Map<string, SourceEvent>).values()]
      .filter(({ key }) => key >= request.key && key < request.end)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const page = records.slice(0, Math.min(request.limit, 2));
    return { revision: this.revision, records: page, more: page.length < records.length, bytes: 1 };
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

const key = fc.constantFrom("/a", "/atoll/x", "/b", "/c/1", "/c/2", "/d", "/z", "outside");
const change = fc.tuple(key, fc.option(fc.constantFrom("1", "2", "3"), { nil: undefined }));
const action = fc.oneof(
  fc.record({
    kind: fc.constant("write" as const),
    changes: fc.uniqueArray(change, { minLength: 1, maxLength: 3, selector: ([k]) => k }),
  }),
  fc.record({
    kind: fc.constant("deliver" as const),
    count: fc.integer({ min: 0, max: 4 }),
    inFragments: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("ask" as const, "answer" as const, "lose" as const) }),
  fc.record({ kind: fc.constant("scan" as const), prefix: fc.constantFrom("/c/", "/", "/q") }),
);

describe("a first read and the reads after it", () => {
  test("say, with the changes, exactly the states that the store had, however late the watch is", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(change, { maxLength: 7, selector: ([k]) => k }),
        fc.array(action, { maxLength: 80 }),
        (initial, actions) => {
          const bench = new Bench();
          for (const each of initial) bench.write([each]);
          bench.begin();
          let request: { request: PageRequest; position: number } | undefined;
          let scans = 0;
          const ask = (): void => {
            const asked = request === undefined ? bench.core.request() : undefined;
            if (asked !== undefined) request = { request: asked, position: bench.core.position };
          };
          const answer = (): void => {
            if (request === undefined) return;
            bench.core.page(request.request, bench.read(request.request), request.position);
            request = undefined;
            bench.take();
          };
          for (const each of actions) {
            if (each.kind === "write") bench.write(each.changes);
            if (each.kind === "deliver") bench.deliver(each.count, each.inFragments);
            if (each.kind === "ask") ask();
            if (each.kind === "answer") answer();
            if (each.kind === "lose" && request !== undefined) {
              bench.core.pageFailed(request.request);
              request = undefined;
            }
            if (each.kind === "scan") bench.core.scan(++scans, each.prefix);
          }
          for (let i = 0; i < 200; i++) {
            ask();
            answer();
            bench.deliver(100, false);
          }
          const done = bench.outputs.filter((output) => output.kind === "load" && output.done);
          expect(done).toHaveLength(1 + scans);
          expect(bench.core.position).toBe(bench.revision);
          bench.check(bench.revision);
          const revisions = bench.outputs.flatMap((o) => (o.kind === "batch" ? [o.revision] : []));
          expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("read Atoll's own keys before all others", () => {
    const bench = new Bench();
    for (const each of ["/a", "/atoll/s", "/z"]) bench.write([[each, "1"]]);
    bench.begin();
    for (
      let request = bench.core.request();
      request !== undefined;
      request = bench.core.request()
    ) {
      bench.core.page(request, bench.read(request), bench.core.position);
    }
    bench.take();
    const loads = bench.outputs.flatMap((o) =>
      o.kind === "load" ? [o.records.map((r) => r.key)] : [],
    );
    expect(loads).toEqual([["/atoll/s"], ["/a"], ["/z"]]);
  });

  test("need no more memory than some pages, however long the watch is away", () => {
    const bench = new Bench();
    for (let i = 100; i < 200; i++) bench.write([[`/m/${i}`, "1"]]);
    bench.begin();
    bench.write([["/m/100", "2"]]);
    let pages = 0;
    for (
      let request = bench.core.request();
      request !== undefined;
      request = bench.core.request()
    ) {
      bench.core.page(request, bench.read(request), bench.core.position);
      pages++;
    }
    expect(pages).toBe(8);
    expect(bench.core.waitsFor).toBe(101);
    bench.deliver(1, false);
    expect(bench.core.request()).toBeDefined();
  });

  test("read a page again when too much changed while it was on its way", () => {
    const bench = new Bench();
    bench.write([["/m", "1"]]);
    bench.begin();
    const own = bench.core.request() as PageRequest;
    bench.core.page(own, bench.read(own), bench.core.position);
    const before = bench.core.request() as PageRequest;
    bench.core.page(before, bench.read(before), bench.core.position);
    const request = bench.core.request() as PageRequest;
    const late = bench.read(request);
    for (let i = 0; i < 20_001; i++) bench.write([["/m", String(i)]]);
    bench.deliver(30_000, false);
    bench.core.page(request, late, 1);
    const again = bench.core.request() as PageRequest;
    expect(again).toMatchObject({ key: request.key, end: request.end });
    bench.core.page(again, bench.read(again), bench.core.position);
    bench.take();
    expect(bench.core.isFirstRead).toBe(false);
    bench.check(bench.revision);
  });
});

describe("what is missing or wrong is noticed", () => {
  function live(): Bench {
    const bench = new Bench();
    bench.write([["/a", "1"]]);
    bench.begin();
    for (
      let request = bench.core.request();
      request !== undefined;
      request = bench.core.request()
    ) {
      bench.core.page(request, bench.read(request), bench.core.position);
    }
    bench.take();
    expect(bench.core.isFirstRead).toBe(false);
    return bench;
  }
  const lineage = (revision: number, version: number): WatchEvent =>
    put(
      LINEAGE_KEY,
      revision,
      encodeLineage({ counter: version, nonce: "0".repeat(16), gateway: "g" }),
      version,
    );

  test("an event from before the position", () => {
    const { core } = live();
    core.message(message([put("/a", 5)]), false);
    expect(() => core.message(message([put("/a", 5)]), false)).toThrow(/left something out/);
    expect(core.isBroken).toBe(true);
  });

  test("events out of order", () => {
    const { core } = live();
    expect(() => core.message(message([put("/a", 6), put("/b", 5)]), false)).toThrow(
      /came after 6/,
    );
  });

  test("a lineage record that was left out", () => {
    const { core } = live();
    core.message(message([lineage(3, 1)]), false);
    core.message(message([lineage(4, 2), put("/a", 5)]), false);
    expect(() => core.message(message([lineage(9, 4)]), false)).toThrow(
      /version 4 of \/atoll\/lineage .* came after 2/,
    );
  });

  test("but not where the key was deleted and made anew, or the stream was begun again", () => {
    const { core } = live();
    core.message(message([lineage(3, 1)]), false);
    const gone: WatchEvent = {
      type: "delete",
      kv: { ...lineage(4, 0).kv, value: new Uint8Array(0) },
    };
    core.message(message([gone, lineage(5, 1)]), false);
    core.message(message([lineage(6, 2)], { fragment: true }), false);
    core.restart();
    core.message(message([lineage(6, 2), lineage(7, 3)]), false);
    expect([core.position, core.lineage?.counter, core.lineageRevision]).toEqual([7, 3, 7]);
  });

  test("another incarnation", () => {
    const { core } = live();
    core.message(message([put(INCARNATION_KEY, 4, encodeIncarnation(INCARNATION))]), false);
    const next = encodeIncarnation({ ...INCARNATION, counter: 2, nonce: "b".repeat(32) });
    expect(() => core.message(message([put(INCARNATION_KEY, 5, next)]), false)).toThrow(
      /incarnation changed/,
    );
    expect(core.isBroken).toBe(true);
  });

  test("reads that go back", () => {
    const { core } = live();
    core.message(message([put("/a", 9)]), false);
    expect(() => core.confirm(8, instant(1), 9)).toThrow(AtollError);
    core.scan(1, "/");
    const request = core.request() as PageRequest;
    const page = { revision: 8, records: [], more: false, bytes: 0 };
    expect(() => core.page(request, page, 9)).toThrow(/gave revision 8, after 9 was seen/);
  });

  test("scribble on the lineage key isn't taken for a record", () => {
    const bench = live();
    bench.core.message(message([put(LINEAGE_KEY, 4, "scribble", 1)]), false);
    expect([bench.core.lineage, bench.core.lineageRevision]).toEqual([undefined, 4]);
  });
});

describe("progress", () => {
  test("notices of the watcher move the position; answers for the stream only if they are trusted", () => {
    const bench = new Bench();
    bench.begin();
    bench.core.message(progress(5), false);
    expect(bench.core.position).toBe(5);
    bench.core.message(progress(7, true), false);
    expect(bench.core.position).toBe(5);
    bench.core.message(progress(7, true), true);
    expect(bench.core.position).toBe(7);
    bench.core.message({ ...progress(9), created: true }, true);
    expect(bench.core.position).toBe(7);
  });

  test("doesn't complete a revision of which only a part came", () => {
    const bench = new Bench();
    bench.begin();
    bench.core.message(message([put("/a", 5), put("/b", 6)], { fragment: true }), false);
    bench.core.message(progress(9), false);
    expect(bench.core.position).toBe(5);
    bench.core.message(message([put("/c", 6)]), false);
    expect(bench.core.position).toBe(6);
  });
});

describe("freshness", () => {
  function confirmed(bench: Bench): [number, number][] {
    bench.take();
    return bench.outputs.flatMap((o) =>
      o.kind === "confirmed" ? [[o.revision, o.asOf.monotonicMs]] : [],
    );
  }
  function firstRead(bench: Bench): void {
    for (
      let request = bench.core.request();
      request !== undefined;
      request = bench.core.request()
    ) {
      bench.core.page(request, bench.read(request), bench.core.position);
    }
  }

  test("is confirmed as of a read's beginning when the stream is where the read was", () => {
    const bench = new Bench();
    bench.begin();
    firstRead(bench);
    bench.core.confirm(3, instant(1_000), 0);
    bench.core.confirm(5, instant(2_000), 0);
    bench.core.confirm(9, instant(3_000), 0);
    expect([confirmed(bench), bench.core.waitsFor]).toEqual([[], 3]);
    bench.core.message(message([put("/a", 6)]), false);
    expect(confirmed(bench)).toEqual([[5, 2_000]]);
    bench.core.confirm(6, instant(2_500), 6);
    expect(bench.core.waitsFor).toBe(9);
  });

  test("is not confirmed before the first read is over", () => {
    const bench = new Bench();
    bench.begin();
    bench.core.confirm(0, instant(1_000), 0);
    expect(confirmed(bench)).toEqual([]);
    firstRead(bench);
    expect(confirmed(bench)).toEqual([[0, 1_000]]);
  });

  test("is confirmed now and then even by a stream that always lags far", () => {
    const bench = new Bench();
    bench.begin();
    firstRead(bench);
    for (let i = 1; i <= 1_000; i++) {
      bench.core.confirm(i, instant(i), 0);
      if (i > 200) bench.core.message(message([put("/a", i - 200)]), false);
    }
    const times = confirmed(bench).map(([, ms]) => ms);
    expect(times.length).toBeGreaterThan(10);
    expect(times.at(-1)).toBeGreaterThan(700);
  });
});
