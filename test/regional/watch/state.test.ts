import { fromBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WatchEvent } from "../../../regional/watch/event.js";
import { WatchHub, type WatchOptions, type WatchSink } from "../../../regional/watch/hub.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import { WatchResponseSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { Event_EventType } from "../../../shared/gen/etcd/mvccpb/kv_pb.js";
import { type Action, action, KEYS } from "../store/arbitraries.js";
import { Model } from "../store/model.js";
import { perform } from "../store/perform.js";
import { Driver } from "../store/support.js";

const hex = (value: string): string => Buffer.from(value, "latin1").toString("hex");

/** A client that decodes what it is told and keeps it as "key@revision=value<previous", the value in hex. */
class Client implements WatchSink {
  readonly told = new Map<bigint, string[]>();
  readonly compactedAt = new Map<bigint, number>();
  /** Messages that it still takes before it says that it is slow. */
  patience = Number.POSITIVE_INFINITY;

  events(id: bigint, revision: number, events: readonly WatchEvent[], prevKv: boolean): boolean {
    const told = this.told.get(id) ?? [];
    this.told.set(id, told);
    for (const event of events) {
      const decoded = fromBinary(WatchResponseSchema, event.field(prevKv)).events[0];
      const kv = decoded?.kv;
      if (decoded === undefined || kv === undefined) throw new Error("an event without a pair");
      expect(Number(kv.modRevision)).toBeLessThanOrEqual(revision);
      const value =
        decoded.type === Event_EventType.DELETE ? "-" : `=${hex(toBinaryKey(kv.value))}`;
      const before = decoded.prevKv;
      const previous = before === undefined ? "" : `<${before.modRevision}`;
      told.push(`${toBinaryKey(kv.key)}@${kv.modRevision}${value}${previous}`);
    }
    return --this.patience > 0;
  }

  progress(): boolean {
    return --this.patience > 0;
  }

  compacted(id: bigint, _revision: number, compactRevision: number): boolean {
    this.compactedAt.set(id, compactRevision);
    return --this.patience > 0;
  }
}

type Step =
  | Action
  | { readonly do: "watch"; readonly options: WatchOptions; readonly back: number }
  | { readonly do: "slow" | "drained" | "pump" | "snapshot" };

const flag = fc.boolean();
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: action },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      back: fc.integer({ min: -3, max: 12 }),
      options: fc.record({
        key: fc.constantFrom(...KEYS),
        rangeEnd: fc.constantFrom("", "", "\0", ...KEYS),
        startRevision: fc.constant(0),
        noPut: flag,
        noDelete: flag,
        prevKv: flag,
        progressNotify: flag,
        fragment: flag,
        watchId: fc.constant(0n),
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "slow" as const,
        "drained" as const,
        "pump" as const,
        "snapshot" as const,
      ),
    }),
  },
);

interface Watching {
  readonly options: WatchOptions;
  readonly start: number;
}

/** What a watcher is to be told in the end. */
function expected(model: Model, { options, start }: Watching): string[] {
  const { key, rangeEnd } = options;
  return model.writes
    .filter((write) => {
      if (write.revision < start) return false;
      if (write.kv === undefined ? options.noDelete : options.noPut) return false;
      if (rangeEnd === "") return write.key === key;
      return write.key >= key && (rangeEnd === "\0" || write.key < rangeEnd);
    })
    .map(({ key: name, revision, kv }) => {
      const value = kv === undefined ? "-" : `=${hex(kv.value)}`;
      const before = options.prevKv ? model.within(name, "", revision - 1)[0] : undefined;
      return `${name}@${revision}${value}${before === undefined ? "" : `<${before.mod}`}`;
    });
}

const withoutPrevious = (told: readonly string[]): string[] =>
  told.map((event) => event.replace(/<\d+$/, ""));

describe("watchers of a real state", () => {
  test("are told every event once, in order, or that they came too late", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const driver = new Driver();
        const model = new Model();
        const hub = new WatchHub(driver.state);
        const client = new Client();
        const stream = hub.open(client);
        const watching = new Map<bigint, Watching>();
        for (const next of steps) {
          switch (next.do) {
            case "watch": {
              const startRevision = Math.max(0, model.revision + 1 - next.back);
              const options = { ...next.options, startRevision };
              const created = stream.create(options);
              if (created.failure !== undefined) break;
              const start = startRevision === 0 ? model.revision + 1 : startRevision;
              watching.set(created.watchId, { options, start });
              break;
            }
            case "slow":
              client.patience = 1;
              break;
            case "drained":
              client.patience = Number.POSITIVE_INFINITY;
              stream.drained();
              break;
            case "pump":
              hub.pump();
              break;
            case "snapshot":
              // Another state that says the same; what wasn't dispatched is read from it.
              hub.replaceHistory(driver.state);
              break;
            default:
              perform(driver, model, next);
          }
          hub.dispatch(driver.state.takeChanges().rows);
        }
        client.patience = Number.POSITIVE_INFINITY;
        stream.drained();
        for (let i = 0; hub.pump(); i++) expect(i).toBeLessThan(1000);
        for (const [id, watcher] of watching) {
          const told = client.told.get(id) ?? [];
          const wanted = expected(model, watcher);
          const compactRevision = client.compactedAt.get(id);
          if (compactRevision === undefined) {
            expect(withoutPrevious(told)).toEqual(withoutPrevious(wanted));
            // The state before is told unless it was compacted away meanwhile.
            for (const [i, event] of told.entries()) {
              if (event.includes("<") || model.compactRevision < 0) expect(event).toBe(wanted[i]);
            }
          } else {
            expect(compactRevision).toBeLessThanOrEqual(model.compactRevision);
            expect(withoutPrevious(told)).toEqual(withoutPrevious(wanted).slice(0, told.length));
          }
        }
        expect(hub.watcherCount).toBe(watching.size - client.compactedAt.size);
        expect(hub.unsyncedCount).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("catch up in steps bounded in bytes too", () => {
    const driver = new Driver();
    const hub = new WatchHub(driver.state);
    const client = new Client();
    for (let i = 0; i < 20; i++) driver.put("a", "x".repeat(1_000_000));
    driver.state.takeChanges();
    const options = { rangeEnd: "", noPut: false, noDelete: false, prevKv: false };
    hub.open(client).create({
      ...options,
      key: "a",
      startRevision: 2,
      progressNotify: false,
      fragment: false,
      watchId: 0n,
    });
    let steps = 1;
    while (hub.pump()) steps++;
    expect(steps).toBeGreaterThan(3);
    expect(client.told.get(0n)).toHaveLength(20);
  });

  test("of a future revision stay quiet when the history is replaced", () => {
    const driver = new Driver();
    const hub = new WatchHub(driver.state);
    const client = new Client();
    hub.open(client).create({
      key: "\0",
      rangeEnd: "\0",
      startRevision: 9,
      noPut: false,
      noDelete: false,
      prevKv: false,
      progressNotify: false,
      fragment: false,
      watchId: 0n,
    });
    hub.replaceHistory(driver.state);
    for (let i = 0; hub.pump(); i++) expect(i).toBeLessThan(10);
    expect(hub.unsyncedCount).toBe(0);
    for (let i = 0; i < 10; i++) driver.put("a", String(i));
    hub.dispatch(driver.state.takeChanges().rows);
    expect(client.told.get(0n)).toEqual(["a@9=37", "a@10=38", "a@11=39"]);
  });
});
