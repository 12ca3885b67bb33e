import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalText } from "../../../global/summary/definition/definition.js";
import { checkDefinition, parseDefinition } from "../../../global/summary/definition/parse.js";
import { AtollError } from "../../../shared/errors.js";
import { MACHINES, withMeasure } from "./definitions.js";

function refusal(text: string): string {
  try {
    parseDefinition(text, "f.yaml");
  } catch (error) {
    if (error instanceof AtollError && error.code === "INVALID_ARGUMENT") return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a definition", () => {
  test("is read from YAML", () => {
    const definition = parseDefinition(MACHINES, "machines.yaml");
    expect(definition).toMatchObject({
      name: "machines",
      prefix: "/machines/",
      where: { text: 'value.status == "healthy"' },
      groupBy: [{ text: "value.app" }],
      measures: [
        { name: "machines", kind: "count", scale: 0 },
        { name: "spare", kind: "sum", scale: 3, of: { text: "value.cpu_free" } },
        { name: "slowest", kind: "max", scale: 0, of: { text: "value.p99_ms" } },
      ],
    });
  });

  test("is read from JSON to the same canonical text", () => {
    const json = JSON.stringify({
      measures: {
        machines: "count( )",
        spare: " sum(value.cpu_free, scale = 3)",
        slowest: "max(value.p99_ms)",
      },
      groupBy: [" value.app "],
      where: 'value.status == "healthy"',
      prefix: "/machines/",
      name: "machines",
    });
    const canonical = canonicalText(parseDefinition(json, "x.json"));
    expect(canonical).toBe(canonicalText(parseDefinition(MACHINES, "x.yaml")));
    expect(JSON.parse(canonical)).toEqual({
      name: "machines",
      prefix: "/machines/",
      where: 'value.status == "healthy"',
      groupBy: ["value.app"],
      measures: [
        ["machines", "count()"],
        ["spare", "sum(value.cpu_free, scale=3)"],
        ["slowest", "max(value.p99_ms)"],
      ],
    });
  });

  test("that differs in anything that matters has another canonical text", () => {
    const texts = [
      MACHINES,
      MACHINES.replace("cpu_free)", "cpu_free, scale=2)"),
      MACHINES.replace("max(", "min("),
      MACHINES.replace("[value.app]", "[value.app, parts[0]]".replace("parts[0]", "key")),
      MACHINES.replace("healthy", "ready"),
      MACHINES.replace("/machines/", "/machine/"),
      MACHINES.replace("  machines: count()\n", ""),
    ].map((text) => canonicalText(parseDefinition(text, "x")));
    expect(new Set(texts).size).toBe(texts.length);
  });

  test.each([
    ["sum(value.n)", "sum(value.n, scale=3)"],
    ["any( value.zone )", "any(value.zone)"],
    ["latest(value.v)", "latest(value.v)"],
    ["latest(by = value.at, value.v)", "latest(value.v, by=value.at)"],
    ["set(value.zone)", "set(value.zone, limit=32)"],
    ["set(value.zone, limit=128)", "set(value.zone, limit=128)"],
    ["top(value.zone)", "top(value.zone, k=10)"],
    ["top(value.zone, weight=value.rps)", "top(value.zone, k=10, weight=value.rps, scale=3)"],
    [
      "top(value.zone, scale=0, weight=value.a == 2.0 ? 1 : 2, k=3)",
      "top(value.zone, k=3, weight=value.a == 2.0 ? 1 : 2, scale=0)",
    ],
  ])("may have a measure %s, canonically %s", (written, canonical) => {
    const { measures } = parseDefinition(withMeasure(written), "x");
    expect(measures[0]?.text).toBe(canonical);
    const again = parseDefinition(withMeasure(canonical), "x").measures[0];
    expect(again).toMatchObject({ text: canonical, scale: measures[0]?.scale });
    expect(again?.limit).toBe(measures[0]?.limit);
  });

  test("needs neither where nor groupBy", () => {
    const { where, groupBy } = parseDefinition(withMeasure("count()"), "x");
    expect([where, groupBy]).toEqual([undefined, []]);
  });

  test("may have brackets, commas and quotes in a measure", () => {
    const measure = `sum(value.m["a,b)"] + {'x': 1.0}['x'] + [1.0, 2.0][0] + (value.s == r'\\' ? 1.0 : 0.0), scale=9)`;
    const { measures } = parseDefinition(withMeasure(measure), "x");
    expect(measures[0]).toMatchObject({ scale: 9 });
    expect(measures[0]?.of?.text).toBe(measure.slice(4, measure.lastIndexOf(",")));
  });
});

describe("what is wrong in a definition is said with field, reason and place", () => {
  test("in CEL", () => {
    const text = MACHINES.replace("sum(value.cpu_free)", "sum(foo(value.cpu_free), scale=2)");
    expect(refusal(text)).toBe(
      [
        'f.yaml: measures.spare: unknown function "foo" (1:5)',
        "  sum(foo(value.cpu_free), scale=2)",
        "      ^",
      ].join("\n"),
    );
  });

  test("on the line of a longer expression", () => {
    const text = `
name: m
prefix: /m/
where: |
  value.a == 1.0 &&
    value.b + 1 > 2
measures: {n: count()}
`;
    expect(refusal(text)).toBe(
      [
        "f.yaml: where: numbers in JSON are doubles, and + doesn't mix them with ints: write 1.0 for 1, or int(…) (2:11)",
        "    value.b + 1 > 2",
        "            ^",
      ].join("\n"),
    );
  });

  test.each([
    ["name: [", "not YAML"],
    ["name: a\nname: b", "not YAML: Map keys must be unique (2:1)"],
    [
      "a: &a [1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]",
      "not YAML: Excessive alias count",
    ],
    ["- a", "a definition is a mapping with name, prefix and measures"],
    ["", "a definition is a mapping with name, prefix and measures"],
    [`{name: ${"x".repeat(70_000)}}`, "the limit is 65536"],
    [MACHINES.replace("name: machines", "name: Machines"), "name: is not a name"],
    [MACHINES.replace("prefix: /machines/", "prefix: machines/"), 'prefix: must begin with "/"'],
    [
      MACHINES.replace("prefix: /machines/", `prefix: /${"x".repeat(600)}`),
      "prefix: has more than 512 bytes",
    ],
    [
      MACHINES.replace("prefix: /machines/", "prefix: /atoll/x/"),
      "prefix: keys below /atoll/ are Atoll's own",
    ],
    [MACHINES.replace('value.status == "healthy"', "true"), "where: "],
    [
      MACHINES.replace('value.status == "healthy"', "'value.a == 2.0 ? 1 : 2'"),
      "where: its type is int; it must be a bool",
    ],
    [MACHINES.replace("[value.app]", "value.app"), "groupBy: "],
    [
      MACHINES.replace("[value.app]", "['[value.app]']"),
      "groupBy.0: its type is list; it must be text, a number or a bool",
    ],
    [
      MACHINES.replace("groupBy", "groupby"),
      "unknown field groupby; there are name, prefix, where, groupBy, measures",
    ],
    ["name: m\nprefix: /m/\nmeasures: {}", "measures: name at least one"],
    ["name: m\nprefix: /m/\nmeasures: {1a: count()}", "measures.1a: is not a measure's name"],
    [
      `name: m\nprefix: /m/\nmeasures: {${Array.from({ length: 65 }, (_, i) => `m${i}: count()`).join(", ")}}`,
      "measures: there are more than 64",
    ],
    [withMeasure("count(value.n)"), "measures.x: write count() (1:1)"],
    [
      withMeasure("avg(value.n)"),
      'measures.x: unknown measure "avg"; there are count, sum, min, max, distinct, quantiles, any, latest, set, top',
    ],
    [withMeasure("constructor(value.n)"), 'unknown measure "constructor"'],
    [withMeasure("value.n"), "measures.x: is not a call such as"],
    [withMeasure("sum(value.n"), "measures.x: is not a call such as"],
    [withMeasure("sum(value.n) + 1"), "measures.x: is not a call such as"],
    [withMeasure("sum()"), "measures.x: write sum(EXPRESSION)"],
    [
      withMeasure("sum(value.n, scale=10)"),
      'scale is the number of decimal digits, 0 to 9, not "10" (1:20)',
    ],
    [withMeasure("sum(value.n, scale=1, scale=2)"), "scale is given twice"],
    [withMeasure("max(value.n, scale=2)"), 'unknown option "scale"; write max(EXPRESSION) (1:20)'],
    [withMeasure("min('text')"), "its type is string; a measure is taken of numbers (1:5)"],
    [withMeasure("quantiles(key)"), "its type is string; a measure is taken of numbers (1:11)"],
    [withMeasure("quantiles()"), "measures.x: write quantiles(EXPRESSION) (1:1)"],
    [
      withMeasure("distinct([value.a])"),
      "its type is list; a measure is taken of text, numbers or bools (1:10)",
    ],
    [
      withMeasure("distinct(value.a, p=14)"),
      'unknown option "p"; write distinct(EXPRESSION) (1:21)',
    ],
    [withMeasure("sum(value.n, scale=1.5)"), 'not "1.5" (1:20)'],
    [withMeasure("set(value.a, limit=0)"), 'how many values it lists at most, 1 to 128, not "0"'],
    [
      withMeasure("top(value.a, k=129)"),
      'k is how many values it lists at most, 1 to 128, not "129"',
    ],
    [
      withMeasure("top(value.a, weight=key)"),
      "its type is string; a measure is taken of numbers (1:21)",
    ],
    [withMeasure("top(value.a, weight=foo(1))"), 'unknown function "foo" (1:21)'],
    [withMeasure("top(value.a, scale=1)"), "scale is of weights; there are none (1:20)"],
    [withMeasure("latest(value.a, by=)"), "the expression is empty (1:20)"],
    [withMeasure("latest(value.a, value.b)"), "write latest(EXPRESSION) or latest(EXPRESSION, by="],
    [withMeasure("any()"), "measures.x: write any(EXPRESSION)"],
    [
      `name: m\nprefix: /m/\nmeasures: {${Array.from({ length: 17 }, (_, i) => `m${i}: any(key)`).join(", ")}}`,
      "measures: there are more than 16 besides count, sum, min and max",
    ],
    [withMeasure("sum(value.n ==)"), "measures.x: syntax error"],
  ])("%s", (text, reason) => {
    expect(refusal(text)).toContain(reason);
  });

  test("nested beyond all measure", () => {
    for (const text of ["[".repeat(60_000), "{a: ".repeat(15_000), "- ".repeat(30_000)]) {
      expect(refusal(text)).toContain("f.yaml: ");
    }
  });

  test("whatever the text", () => {
    const piece = fc.constantFrom(
      ...'value key parts . [ ] ( ) { } , : ? && || == < + - * ! \' " \\ r\' """ // \n 1 1.0 1u has( all(x, map( in null true int( \u0000 é 😀'.split(
        " ",
      ),
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(" ")),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (each) => {
        checkDefinition(each);
        checkDefinition(
          JSON.stringify({
            name: "m",
            prefix: "/m/",
            where: each,
            measures: { x: `sum(${each})`, y: each },
          }),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test("all of it at once", () => {
    const checked = checkDefinition(
      "name: m\nprefix: /m/\nwhere: a\ngroupBy: [b]\nmeasures: {x: avg(c)}",
    );
    expect("issues" in checked && checked.issues.map((issue) => issue.field)).toEqual([
      "where",
      "groupBy.0",
      "measures.x",
    ]);
  });
});
