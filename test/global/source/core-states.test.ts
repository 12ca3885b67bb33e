import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PageRequest } from "../../../global/source/scan.js";
import { Bench } from "./core-bench.js";

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
        fc.option(fc.nat(7), { nil: undefined }),
        (initial, actions, past) => {
          const bench = new Bench();
          for (const each of initial) bench.write([each]);
          bench.begin(past === undefined ? undefined : Math.min(past, bench.revision));
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
