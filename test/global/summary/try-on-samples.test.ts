import { describe, expect, test } from "vitest";
import { formatIssue } from "../../../global/summary/definition/issue.js";
import { parseDefinition } from "../../../global/summary/definition/parse.js";
import { tryOnSamples } from "../../../global/summary/definition/try-on-samples.js";
import { MACHINES, withMeasure } from "./definitions.js";

describe("trying a definition on records", () => {
  const definition = parseDefinition(MACHINES, "x");
  const sample = (value: unknown, key = "/machines/a") => ({ key, value: JSON.stringify(value) });
  const good = { status: "healthy", app: "api", cpu_free: 1.5, p99_ms: 3 };

  test("finds what fails on every record", () => {
    const samples = [
      sample({ ...good, cpu_free: "1.5" }),
      sample({ ...good, cpu_free: null }, "/machines/b"),
    ];
    expect(tryOnSamples(definition, samples).map(formatIssue)).toEqual([
      "measures.spare: is not a finite number, tried on /machines/a (1:1)\n  value.cpu_free\n  ^",
    ]);
  });

  test("finds a field that no record has", () => {
    const { status: _, ...rest } = good;
    expect(tryOnSamples(definition, [sample(rest)])).toMatchObject([
      {
        field: "where",
        reason: "field not found: status, tried on /machines/a",
        line: 1,
        column: 6,
      },
    ]);
  });

  test("takes text where a measure does, and nothing that is no plain value", () => {
    const distinct = parseDefinition(withMeasure("distinct(value.a)"), "x");
    const tried = (a: unknown): string[] =>
      tryOnSamples(distinct, [sample({ a }, "/m/a")]).map(({ reason }) => reason);
    expect([tried("text"), tried(1), tried(true)]).toEqual([[], [], []]);
    expect(tried(null)).toEqual(["is not text, a number or a bool, tried on /m/a"]);
    expect(tried(["a"])).toHaveLength(1);
  });

  test("tries what a measure chooses or weighs by, too", () => {
    const top = parseDefinition(withMeasure("top(value.a, weight=value.b)"), "x");
    expect(tryOnSamples(top, [sample({ a: "x", b: 1 }, "/m/a")])).toEqual([]);
    expect(tryOnSamples(top, [sample({ a: "x", b: "1" }, "/m/a")])).toMatchObject([
      { field: "measures.x", reason: "is not a finite number, tried on /m/a", text: "value.b" },
    ]);
  });

  test("forgives what fails on some records, isn't JSON, or doesn't match", () => {
    const samples = [
      sample({ ...good, p99_ms: "?" }),
      sample(good),
      { key: "/machines/c", value: "{" },
      sample({ status: "draining" }),
    ];
    expect(tryOnSamples(definition, samples)).toEqual([]);
    expect(tryOnSamples(definition, [sample({ status: "draining" })])).toEqual([]);
    expect(tryOnSamples(definition, [])).toEqual([]);
  });

  test("sees the parts of the key below the prefix", () => {
    const byZone = parseDefinition(
      "name: m\nprefix: /m/\ngroupBy: ['parts[1]']\nmeasures: {n: count()}",
      "x",
    );
    expect(tryOnSamples(byZone, [{ key: "/m/a/b", value: "{}" }])).toEqual([]);
    expect(tryOnSamples(byZone, [{ key: "/m/a", value: "{}" }])).toMatchObject([
      { field: "groupBy.0" },
    ]);
  });
});
