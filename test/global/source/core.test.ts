import { describe, expect, test } from "vitest";
import type { PageRequest } from "../../../global/source/scan.js";
import { AtollError } from "../../../shared/errors.js";
import { encodeIncarnation } from "../../../shared/etcd/incarnation.js";
import { INCARNATION_KEY, LINEAGE_KEY } from "../../../shared/etcd/keys.js";
import { encodeLineage } from "../../../shared/etcd/lineage.js";
import type { WatchEvent } from "../../../shared/etcd/watch.js";
import { Bench, INCARNATION, instant, message, progress, put } from "./core-bench.js";

describe("what is missing or wrong is noticed", () => {
  function live(): Bench {
    const bench = new Bench();
    bench.write([["/a", "1"]]);
    bench.begin();
    bench.readAll();
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
    const page = { revision: 8, records: [], more: false, bytes: 0, tookMs: 1 };
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
  test("is confirmed as of a read's beginning when the stream is where the read was", () => {
    const bench = new Bench();
    bench.begin();
    bench.readAll();
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
    bench.readAll();
    expect(confirmed(bench)).toEqual([[0, 1_000]]);
  });

  test("is confirmed now and then even by a stream that always lags far", () => {
    const bench = new Bench();
    bench.begin();
    bench.readAll();
    for (let i = 1; i <= 1_000; i++) {
      bench.core.confirm(i, instant(i), 0);
      if (i > 200) bench.core.message(message([put("/a", i - 200)]), false);
    }
    const times = confirmed(bench).map(([, ms]) => ms);
    expect(times.length).toBeGreaterThan(10);
    expect(times.at(-1)).toBeGreaterThan(700);
  });
});
