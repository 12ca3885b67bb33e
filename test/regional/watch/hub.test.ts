import { fromBinary } from "@bufbuild/protobuf";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import type { WatchOptions } from "../../../regional/watch/contract.js";
import { SharedEvent } from "../../../regional/watch/event.js";
import { WatchHub } from "../../../regional/watch/hub.js";
import { WatchResponseSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { FakeHistory } from "./fake-history.js";
import { FakeSink } from "./fake-sink.js";

const PLAIN: WatchOptions = {
  key: "a",
  rangeEnd: "",
  startRevision: 0,
  noPut: false,
  noDelete: false,
  prevKv: false,
  progressNotify: false,
  fragment: false,
  watchId: 0n,
};

function setUp() {
  const history = new FakeHistory();
  const hub = new WatchHub(history);
  const sink = new FakeSink();
  const stream = hub.open(sink);
  const write = (...keys: string[]): void => hub.dispatch(history.write(...keys));
  const pump = (): void => {
    while (hub.pump());
  };
  const watch = (options: Partial<WatchOptions>) => stream.create({ ...PLAIN, ...options });
  return { history, hub, sink, stream, write, pump, watch };
}

describe("a watcher", () => {
  test("is told of what comes after its creation, at once and in order", () => {
    const { sink, watch, write } = setUp();
    write("a");
    expect(watch({})).toEqual({ watchId: 0n, revision: 2, failure: undefined });
    write("a");
    write("b");
    write("!a");
    expect(sink.of(0n).events).toEqual([
      { key: "a", modRevision: 3, isDelete: false },
      { key: "a", modRevision: 5, isDelete: true },
    ]);
  });

  test("reads history from its start revision, then goes on", () => {
    const { sink, watch, write, pump } = setUp();
    for (let i = 0; i < 2_500; i++) write("a");
    watch({ startRevision: 2 });
    expect(sink.told.size).toBe(0);
    pump();
    write("a");
    expect(sink.of(0n).events.map((event) => event.modRevision)).toEqual(
      Array.from({ length: 2_501 }, (_, i) => i + 2),
    );
  });

  test("of a future revision sees neither older events nor progress", () => {
    const { sink, hub, stream, watch, write, pump } = setUp();
    watch({ startRevision: 5, progressNotify: true });
    write("a");
    write("a");
    hub.notifyProgress();
    hub.notifyProgress();
    stream.requestProgress();
    pump();
    expect(sink.progressAt).toEqual([]);
    write("a");
    pump();
    expect(sink.progressAt).toEqual([{ id: -1n, revision: 4 }]);
    write("a");
    expect(sink.of(0n).events.map((event) => event.modRevision)).toEqual([5]);
  });

  test("of an empty range or a used id is refused with etcd's text", () => {
    const { watch } = setUp();
    expect(watch({ key: "b", rangeEnd: "a" }).failure).toBe("mvcc: watcher range is empty");
    watch({ watchId: 7n });
    expect(watch({ watchId: 7n }).failure).toBe(
      "mvcc: duplicate watch ID provided on the WatchStream",
    );
  });

  test("that wants compacted events is told so and gone", () => {
    const { history, hub, sink, watch, write, pump } = setUp();
    for (let i = 0; i < 5; i++) write("a");
    history.compactRevision = 4;
    watch({ startRevision: 3 });
    watch({ startRevision: -1 });
    watch({ startRevision: 4 });
    pump();
    expect(sink.of(0n).compacted).toBe(4);
    expect(sink.of(1n).compacted).toBe(4);
    expect(sink.of(2n).events.map((event) => event.modRevision)).toEqual([4, 5, 6]);
    expect(hub.watcherCount).toBe(1);
  });

  test("is told nothing after it was cancelled or its stream closed", () => {
    const { hub, sink, stream, watch, write } = setUp();
    watch({});
    watch({ rangeEnd: "\0" });
    expect(stream.cancel(0n)).toBe(true);
    expect(stream.cancel(0n)).toBe(false);
    write("a");
    stream.close();
    stream.close();
    write("a");
    expect(sink.of(0n).events).toEqual([]);
    expect(sink.of(1n).events).toHaveLength(1);
    expect([hub.watcherCount, hub.streamCount]).toEqual([0, 0]);
  });

  test("asks for parts when it allows fragments, and the last one says so", () => {
    const { sink, watch, write } = setUp();
    watch({ rangeEnd: "\0", fragment: true });
    write(...Array.from({ length: 40 }, (_, i) => `a${"x".repeat(100_000)}${i}`));
    expect(sink.of(0n).events).toHaveLength(40);
    expect(sink.of(0n).messages).toHaveLength(1);
    expect((sink.of(0n).messages[0] ?? []).length).toBeLessThan(40);
  });
});

describe("progress", () => {
  test("comes to idle watchers that asked for it, once an interval", () => {
    const { hub, sink, watch, write } = setUp();
    watch({ progressNotify: true });
    watch({});
    hub.notifyProgress();
    write("b");
    hub.notifyProgress();
    write("a");
    hub.notifyProgress();
    expect(sink.progressAt).toEqual([{ id: 0n, revision: 2 }]);
  });

  test("of a stream waits until its last watcher has caught up", () => {
    const { sink, stream, watch, write, pump, hub } = setUp();
    for (let i = 0; i < 1_500; i++) write("a");
    watch({ startRevision: 2 });
    stream.requestProgress();
    hub.pump();
    expect(sink.progressAt).toEqual([]);
    pump();
    expect(sink.progressAt).toEqual([{ id: -1n, revision: 1_501 }]);
  });
});

test("after a snapshot was installed, watchers read on from its history", () => {
  const { hub, sink, history, watch, write, pump } = setUp();
  watch({});
  write("a");
  const later = new FakeHistory();
  later.rows.push(...history.rows);
  later.currentRevision = history.currentRevision;
  later.write("a");
  later.write("a");
  hub.replaceHistory(later);
  pump();
  expect(sink.of(0n).events.map((event) => event.modRevision)).toEqual([2, 3, 4]);
});

test("an event is encoded as etcd's clients read it, with prev_kv where wanted", () => {
  const history = new FakeHistory();
  history.write("k");
  const [row] = history.write("!k");
  const event = new SharedEvent(row as never, (of) => history.previous(of));
  for (const wanted of [false, true]) {
    const [decoded] = fromBinary(WatchResponseSchema, event.field(wanted)).events;
    expect(decoded?.type).toBe(1);
    expect(decoded?.kv?.modRevision).toBe(3n);
    expect(decoded?.prevKv?.modRevision).toBe(wanted ? 2n : undefined);
  }
  expect(event.field(true)).toBe(event.field(true));
});

const key = fc.constantFrom("a", "ab", "b", "c", "d");
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      keys: fc.uniqueArray(fc.tuple(key, fc.boolean()), {
        minLength: 1,
        maxLength: 3,
        selector: ([k]) => k,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      key: fc.oneof(key, fc.constant("")),
      end: fc.oneof(key, fc.constant(""), fc.constant("\0")),
      back: fc.integer({ min: -3, max: 6 }),
      filter: fc.constantFrom("none", "noPut", "noDelete"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("slow" as const, "drain" as const, "pump" as const, "cancel" as const),
    }),
  },
);

property.prop([fc.array(step, { maxLength: 60 })])(
  "no gap, no duplicate, in order, whole revisions, whatever the peers do",
  (steps) => {
    const { history, hub, sink, stream, pump, watch, write } = setUp();
    const live = new Map<bigint, { options: WatchOptions; start: number }>();
    for (const one of steps) {
      if (one.do === "write") write(...one.keys.map(([k, isDelete]) => (isDelete ? `!${k}` : k)));
      else if (one.do === "watch") {
        const start = Math.max(0, history.currentRevision + 1 - one.back);
        const options = {
          ...PLAIN,
          key: one.key,
          rangeEnd: one.end,
          startRevision: start,
          noPut: one.filter === "noPut",
          noDelete: one.filter === "noDelete",
        };
        const created = watch(options);
        if (created.failure === undefined) {
          live.set(created.watchId, { options, start: start === 0 ? created.revision + 1 : start });
        }
      } else if (one.do === "slow") sink.slow = true;
      else if (one.do === "pump") hub.pump();
      else if (one.do === "cancel") {
        const id = [...live.keys()][0];
        if (id !== undefined) {
          stream.cancel(id);
          live.delete(id);
        }
      } else {
        sink.recover();
        stream.drained();
      }
    }
    sink.recover();
    stream.drained();
    pump();
    expect(sink.unwanted).toBe(0);
    for (const [id, { options, start }] of live) {
      const from = options.key === "" ? "\0" : options.key;
      const wanted = history.rows.filter((row) => {
        const inRange =
          options.rangeEnd === ""
            ? row.key === from
            : row.key >= from && (options.rangeEnd === "\0" || row.key < options.rangeEnd);
        return (
          inRange &&
          row.modRevision >= start &&
          !(row.version === 0 ? options.noDelete : options.noPut)
        );
      });
      expect(sink.of(id).events).toEqual(
        wanted.map((row) => ({
          key: row.key,
          modRevision: row.modRevision,
          isDelete: row.version === 0,
        })),
      );
      const lasts = sink.of(id).messages.map((revisions) => [revisions[0], revisions.at(-1)]);
      for (let i = 1; i < lasts.length; i++)
        expect(lasts[i]?.[0]).toBeGreaterThan(lasts[i - 1]?.[1] as number);
    }
    expect(hub.watcherCount).toBe(live.size);
  },
);
