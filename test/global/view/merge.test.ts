import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Section } from "../../../global/digest/section.js";
import { readQuantiles } from "../../../global/digest/sketch/ddsketch.js";
import { estimateDistinct } from "../../../global/digest/sketch/hyperloglog.js";
import { decodeDated } from "../../../global/digest/values/chosen.js";
import { readTop } from "../../../global/digest/values/top.js";
import { decodeValue, encodeValue } from "../../../global/digest/values/value-code.js";
import { readSet } from "../../../global/digest/values/value-set.js";
import { chooseDefinition } from "../../../global/view/choose-definition.js";
import { GroupFilter } from "../../../global/view/group-filter.js";
import { mergeCells } from "../../../global/view/merge.js";
import { type MergedSnapshot, MergedSummary } from "../../../global/view/merged-summary.js";
import { sha256 } from "../../../shared/hash.js";
import { arbitraryStep, cells, contentOf, groupKey, History, SCHEMA } from "../digest/model.js";

const WIDTH = SCHEMA.measures.length;

describe("merged cells", () => {
  test("add counts and sums exactly, and take the least and the greatest", () => {
    const far = 2n ** 63n - 1n;
    expect(
      mergeCells(SCHEMA.measures.slice(0, 4), [
        [
          { kind: "count", count: 2 },
          { kind: "sum", scaled: far },
          { kind: "min", value: undefined },
          { kind: "max", value: -1 },
        ],
        [
          { kind: "count", count: 3 },
          { kind: "sum", scaled: far },
          { kind: "min", value: 7 },
          { kind: "max", value: -2 },
        ],
        [
          { kind: "count", count: 0 },
          { kind: "sum", scaled: -1n },
          { kind: "min", value: 4 },
          { kind: "max", value: undefined },
        ],
      ]),
    ).toEqual([
      { kind: "count", count: 5 },
      { kind: "sum", scaled: 2n * far - 1n },
      { kind: "min", value: 4 },
      { kind: "max", value: -1 },
    ]);
  });

  test("join sketches and lists as their kind says, with the measure's limit", () => {
    const merged = mergeCells(SCHEMA.measures, [cells(3), cells(1), cells(2)]).map((cell) =>
      "packed" in cell ? cell.packed : "",
    );
    const [hosts, latency, one, newest, zones, busiest] = merged.slice(4);
    expect(Math.round(estimateDistinct(hosts as string))).toBe(3);
    expect(readQuantiles(latency as string).count).toBe(4 + 2 + 3);
    expect(decodeValue(one as string)).toBe("host-3");
    expect(decodeDated(newest as string)).toEqual({ value: false, order: 3 });
    expect(readSet(zones as string, "set")).toEqual({
      codes: [1, 2].map(encodeValue),
      truncated: true,
    });
    expect(readTop(busiest as string, "top")).toEqual({
      entries: [
        { code: encodeValue(0), weight: 3, error: 1 },
        { code: encodeValue(2), weight: 2, error: 2 },
        { code: encodeValue(1), weight: 1, error: 1 },
      ],
      unlisted: 2,
    });
  });

  test("don't depend on the order of the regions", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }), (numbers) => {
        const parts = numbers.map(cells);
        expect(mergeCells(SCHEMA.measures, parts)).toEqual(
          mergeCells(SCHEMA.measures, [...parts].reverse()),
        );
      }),
    );
  });
});

describe("a merged summary", () => {
  const scripts = fc.array(fc.array(arbitraryStep, { minLength: 6, maxLength: 6 }), {
    minLength: 3,
    maxLength: 3,
  });
  const moves = fc.array(fc.tuple(fc.nat(2), fc.nat(8)), { maxLength: 12 });

  test("is what merging from nothing gives, after any moves of its parts", () => {
    fc.assert(
      fc.property(scripts, moves, (steps, moved) => {
        const histories = steps.map((script, index) => {
          const history = new History(`r${index}`);
          for (const step of script) history.step(step);
          return history;
        });
        const merged = new MergedSummary(sha256);
        const parts = new Map<string, Section>();
        const snapshots: MergedSnapshot[] = [];
        for (const [index, revision] of moved) {
          const history = histories[index] as History;
          // Revision 0 takes the region away.
          if (revision === 0) parts.delete(history.region);
          else parts.set(history.region, history.section(Math.min(revision + 1, history.last)));
          snapshots.push(
            merged.refresh({ fingerprint: SCHEMA.fingerprint, parts: new Map(parts), others: [] }),
          );
        }
        for (const { content, parts: merging } of snapshots) {
          const expected = new Map<string, ReturnType<typeof cells>>();
          for (const section of merging.values()) {
            for (const { key } of section.content.leaves()) {
              const all = [...merging.values()].flatMap(
                (part) => part.content.get(key)?.cells ?? [],
              );
              const rows = Array.from({ length: all.length / WIDTH }, (_, i) =>
                all.slice(i * WIDTH, (i + 1) * WIDTH),
              );
              expected.set(key, mergeCells(SCHEMA.measures, rows));
            }
          }
          expect(content.root).toBe(contentOf(expected).root);
        }
      }),
    );
  });

  test("is the same object while nothing changes", () => {
    const history = new History("us-east");
    history.step({ a: 1 });
    const merged = new MergedSummary(sha256);
    const parts = new Map([["us-east", history.section(3)]]);
    const selection = { fingerprint: SCHEMA.fingerprint, parts, others: [] };
    const first = merged.refresh(selection);
    expect(merged.refresh({ ...selection, parts: new Map(parts) })).toBe(first);
    expect(merged.refresh({ ...selection, others: ["eu-west"] })).not.toBe(first);
  });
});

describe("the definition that is merged", () => {
  const section = (region: string, fingerprint: string): Section => ({
    ...new History(region).section(2),
    schema: { ...SCHEMA, fingerprint },
  });
  const choose = (regions: Record<string, readonly [string, string?]>) => {
    const chosen = chooseDefinition(
      new Map(
        Object.entries(regions).map(([region, [current, previous]]) => [
          region,
          {
            current: section(region, current),
            previous: previous === undefined ? undefined : section(region, previous),
          },
        ]),
      ),
    );
    return { ...chosen, parts: [...chosen.parts.keys()].sort() };
  };

  test("is the one of all regions", () => {
    expect(choose({ a: ["new"], b: ["new"] })).toEqual({
      fingerprint: "new",
      parts: ["a", "b"],
      others: [],
    });
    expect(choose({})).toEqual({ fingerprint: undefined, parts: [], others: [] });
  });

  test("stays the old one of all regions while a change is on its way, and names who has it", () => {
    expect(choose({ a: ["new", "old"], b: ["old"], c: ["old"] })).toEqual({
      fingerprint: "old",
      parts: ["a", "b", "c"],
      others: ["a"],
    });
    expect(choose({ a: ["new", "old"], b: ["new", "old"], c: ["old"] })).toEqual({
      fingerprint: "old",
      parts: ["a", "b", "c"],
      others: ["a", "b"],
    });
  });

  test("is the new one as soon as all regions publish it", () => {
    expect(choose({ a: ["new", "old"], b: ["new", "old"] })).toMatchObject({
      fingerprint: "new",
      others: [],
    });
  });

  test("is that of most regions when none is known of all, the same on every gateway", () => {
    expect(choose({ a: ["x"], b: ["y"], c: ["y"] })).toEqual({
      fingerprint: "y",
      parts: ["b", "c"],
      others: ["a"],
    });
    expect(choose({ a: ["x"], b: ["y"] })).toEqual(choose({ b: ["y"], a: ["x"] }));
  });
});

describe("a group filter", () => {
  test.each([
    [[], "", "api", true],
    [[groupKey("api")], "", "api", true],
    [[groupKey("web")], "", "api", false],
    [[], "ap", "api", true],
    [[], "api-2", "api", false],
    [[groupKey("api")], "w", "api", false],
    [[], 'q"', 'q"uote', true],
  ])("of keys %j and prefix %j matches %j: %j", (keys, prefix, name, matches) => {
    expect(new GroupFilter(keys, prefix).matches(groupKey(name))).toBe(matches);
  });
});
