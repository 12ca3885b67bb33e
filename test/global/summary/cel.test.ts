import { isCelError, isCelUint, parse, plan } from "@bufbuild/cel";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Bindings } from "../../../global/summary/cel/bindings.js";
import { ENVIRONMENT } from "../../../global/summary/cel/environment.js";
import { Expression, FAULT, OTHER } from "../../../global/summary/cel/expression.js";
import { utf8 } from "../../../shared/bytes.js";

function bind(value: unknown, key = "/machines/eu/m-1"): Bindings {
  const record = new Bindings();
  record.below("/machines/".length);
  record.bind(key, utf8(JSON.stringify(value)), 1);
  return record;
}

function compile(text: string): Expression {
  const compiled = Expression.compile(text);
  if (Array.isArray(compiled)) throw new Error(`${text}: ${JSON.stringify(compiled)}`);
  return compiled;
}

function evaluate(text: string, value: unknown): unknown {
  return compile(text).evaluate(bind(value));
}

function reasons(text: string): [string, number][] {
  const compiled = Expression.compile(text);
  return Array.isArray(compiled) ? compiled.map(({ reason, offset }) => [reason, offset]) : [];
}

/** What @bufbuild/cel itself gives, in the terms of `Expression.evaluate`. */
function general(text: string, record: Bindings): unknown {
  const result = plan(ENVIRONMENT, parse(text))(record as never) as unknown;
  if (isCelError(result)) return FAULT;
  if (isCelUint(result)) return Number(result.value);
  if (typeof result === "bigint") return Number(result);
  return typeof result === "object" ? OTHER : result;
}

const names = fc.constantFrom("a", "b", "constructor", "__proto__", "hasOwnProperty", "length");
const json = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(null, true, false, "", "x", "y", 0, 1, 2.5, -1, 1e300),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
  value: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(names, tie("value"), { maxKeys: 4 }),
  ),
})).value;

const constant = fc.constantFrom("1", "2.5", "-1", "0", '"x"', '""', "true", "false", "null");
const path = fc
  .array(names, { minLength: 0, maxLength: 3 })
  .map((fields) => ["value", ...fields].join("."));
const operand = fc.oneof(
  path,
  constant,
  fc.constantFrom("key", "parts[0]", "parts[1]", "parts[7]"),
);
const field = fc.tuple(path, names).map(([base, name]) => `has(${base}.${name})`);
const comparison = fc
  .tuple(operand, fc.constantFrom("==", "!=", "<", "<=", ">", ">="), fc.oneof(constant, operand))
  .map(([left, operator, right]) => `${left} ${operator} ${right}`);
const expression = fc.letrec<{ any: string; bool: string }>((tie) => ({
  bool: fc.oneof(
    { depthSize: "small" },
    comparison,
    field,
    path,
    fc
      .tuple(tie("bool"), fc.constantFrom("&&", "||"), tie("bool"))
      .map(([l, o, r]) => `(${l} ${o} ${r})`),
    tie("bool").map((inner) => `!(${inner})`),
  ),
  any: fc.oneof(
    operand,
    tie("bool"),
    fc.tuple(tie("bool"), operand, operand).map(([c, t, f]) => `(${c}) ? ${t} : ${f}`),
  ),
})).any;

describe("the quick evaluator", () => {
  test("gives what CEL gives, for any expression and value", () => {
    fc.assert(
      fc.property(expression, json, (text, value) => {
        const record = bind(value);
        expect(compile(text).evaluate(record)).toEqual(general(text, record));
      }),
      { numRuns: 3_000 },
    );
  });

  test("never takes a field from JavaScript's own objects", () => {
    expect(evaluate("value.constructor", {})).toBe(FAULT);
    expect(evaluate("value.length", [1])).toBe(FAULT);
    expect(evaluate("value.a.length", { a: "text" })).toBe(FAULT);
  });
});

describe("expressions", () => {
  test.each([
    ["value.n + 1.0", { n: 2 }, 3],
    ["int(value.n) % 2", { n: 5 }, 1],
    ["size(value.list)", { list: [1, 2, 3] }, 3],
    ["value.list.exists(x, x > 2.0)", { list: [1, 2, 3] }, true],
    ["value.list.filter(x, x > 1.0).map(x, x * 2.0)[1]", { list: [1, 2, 3] }, 6],
    ["value.name.matches('^a+$')", { name: "aaa" }, true],
    ["has(value.cpu) ? value.cpu : 0.0", {}, 0],
    ['value.constructor == "x"', { constructor: "x" }, true],
    ["uint(value.n)", { n: 7 }, 7],
    ["value.tags", { tags: [] }, OTHER],
    ["value.gone", {}, FAULT],
    ["parts[0] + '/' + parts[1]", {}, "eu/m-1"],
    ["key", {}, "/machines/eu/m-1"],
  ])("%s", (text, value, expected) => {
    expect(evaluate(text, value)).toEqual(expected);
  });

  test("see keys as UTF-8", () => {
    const record = bind({}, Buffer.from("/machines/zürich/1").toString("latin1"));
    expect(compile("parts[0]").evaluate(record)).toBe("zürich");
    expect(compile("key").evaluate(record)).toBe("/machines/zürich/1");
  });

  test("say what fails and where", () => {
    expect(compile("value.a + value.b").explain(bind({ a: 1, b: "x" }))).toEqual({
      reason: "found no matching overload for '_+_' applied to '(double, string)'",
      offset: 8,
    });
  });

  test("don't walk values that are too large or too deep", () => {
    const all = "value.list.all(x, x == 1.0)";
    expect(compile(all).explain(bind({ list: Array(5_000).fill(1) }))?.reason).toMatch(
      /more than 2048/,
    );
    const deep = { list: JSON.parse("[".repeat(40) + "]".repeat(40)) as unknown };
    expect(compile(all).explain(bind(deep))?.reason).toMatch(/deeper than 32/);
  });

  test("find nothing in values that aren't JSON", () => {
    const record = new Bindings();
    record.bind("/m/1", utf8("{"), 1);
    expect(record.fault).toBe("the value is not JSON");
    record.bind("/m/1", new Uint8Array(0), 1);
    expect(record.fault).toBe("the value is empty");
    record.bind("/m/1", utf8(`"${"x".repeat(70_000)}"`), 1);
    expect(record.fault).toMatch(/limit is 65536/);
  });
});

describe("what is refused before any record is seen", () => {
  test.each([
    ["foo(value.n)", 'unknown function "foo"', 0],
    ["value.a == upper(value.b)", 'unknown function "upper"', 11],
    ["valu.a", 'unknown name "valu"; there are key, parts and value', 0],
    ["value.n + 1", "numbers in JSON are doubles, and + doesn't mix them with ints", 8],
    ["1 - value.n", "numbers in JSON are doubles, and - doesn't mix them with ints", 1],
    ["value.n % 2.0", "% needs ints", 8],
    ["size(value.a, 1)", "size() doesn't take 2 arguments", 0],
    ["contains(value.a, 'x')", "contains() doesn't take 2 arguments", 0],
    ["value.l.all(x, value.m.all(y, y == x))", "a macro over a list inside another one", 22],
    ["google.protobuf.Int32Value{value: 1}", "there are no messages such as", 0],
    ["value.a ==", "syntax error", 8],
    ["value.a\n  == ][", "syntax error", 10],
    [" ", "the expression is empty", 0],
    ["value.a + ".repeat(110), "the limit is 1024", 0],
    [`${"[".repeat(70)}value.n${"]".repeat(70)}`, "is nested deeper than 64", 65],
  ])("%s", (text, reason, offset) => {
    expect(reasons(text)).toEqual([[expect.stringContaining(reason), expect.any(Number)]]);
    expect(reasons(text)[0]?.[1]).toBe(offset);
  });

  test("all of it is said", () => {
    expect(reasons("foo(value.n) + bar(1)").map(([reason]) => reason)).toEqual([
      'unknown function "foo"',
      'unknown function "bar"',
    ]);
  });
});

describe("timestamps", () => {
  const zones = fc.constantFrom("UTC", "+02:00", "-09:30", "00:00");

  test("have the parts that JavaScript's UTC calendar has", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
        zones,
        (second, zone) => {
          const at = new Date(second * 1000);
          const text = (method: string): string =>
            `timestamp("${at.toISOString()}").${method}("${zone}")`;
          const shift = zone === "+02:00" ? 7200 : zone === "-09:30" ? -34_200 : 0;
          const local = new Date((second + shift) * 1000);
          expect(evaluate(text("getFullYear"), {})).toBe(local.getUTCFullYear());
          expect(evaluate(text("getMonth"), {})).toBe(local.getUTCMonth());
          expect(evaluate(text("getDate"), {})).toBe(local.getUTCDate());
          expect(evaluate(text("getDayOfMonth"), {})).toBe(local.getUTCDate() - 1);
          expect(evaluate(text("getDayOfWeek"), {})).toBe(local.getUTCDay());
          expect(evaluate(text("getHours"), {})).toBe(local.getUTCHours());
          expect(evaluate(text("getMinutes"), {})).toBe(local.getUTCMinutes());
          expect(evaluate(text("getSeconds"), {})).toBe(local.getUTCSeconds());
          const newYear = new Date(0);
          newYear.setUTCFullYear(local.getUTCFullYear());
          const day = Math.floor((local.getTime() - newYear.getTime()) / 86_400_000);
          expect(evaluate(text("getDayOfYear"), {})).toBe(day);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("know no zone that depends on the machine", () => {
    const expression = compile('timestamp("2026-01-01T00:00:00Z").getHours("Europe/Berlin")');
    expect(expression.explain(bind({}))?.reason).toMatch(/write UTC or an offset/);
    expect(evaluate('timestamp("2026-01-01T10:00:00.250Z").getMilliseconds()', {})).toBe(250);
    expect(evaluate('duration("90s").getMinutes()', {})).toBe(1);
  });
});
