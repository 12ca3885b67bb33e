import type { Item } from "./items.js";

/** One thing in which two outputs differ. */
export interface Difference {
  /** The line of the expected output that it is about, counted from 0. */
  readonly line: number;
  /** Where in the output: the headings above it, outermost first. */
  readonly where: readonly string[];
  /** The field that differs, or `missing` or `unexpected` for a whole item. */
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

const NOTHING = "(nothing)";

function equal(a: Item, b: Item): boolean {
  return a.kind === b.kind && equalFields(a, b) && equalLists(a.children, b.children);
}

function equalFields(a: Item, b: Item): boolean {
  const names = Object.keys(a.fields);
  return (
    names.length === Object.keys(b.fields).length &&
    names.every((name) => a.fields[name] === b.fields[name])
  );
}

function equalLists(a: readonly Item[], b: readonly Item[]): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i] as Item));
}

/** What is left of two lists without their equal beginnings and ends. */
function unequalMiddle(
  expected: readonly Item[],
  actual: readonly Item[],
): { readonly expected: readonly Item[]; readonly actual: readonly Item[] } {
  const shorter = Math.min(expected.length, actual.length);
  let head = 0;
  while (head < shorter && equal(expected[head] as Item, actual[head] as Item)) head++;
  let tail = 0;
  while (
    tail < shorter - head &&
    equal(expected.at(-1 - tail) as Item, actual.at(-1 - tail) as Item)
  ) {
    tail++;
  }
  return {
    expected: expected.slice(head, expected.length - tail),
    actual: actual.slice(head, actual.length - tail),
  };
}

function compareItems(expected: Item, actual: Item, where: readonly string[]): Difference[] {
  const { line } = expected;
  if (expected.kind !== actual.kind) {
    return [{ line, where, field: expected.kind, expected: expected.text, actual: actual.text }];
  }
  const inside = [...where, expected.text];
  const names = new Set([...Object.keys(expected.fields), ...Object.keys(actual.fields)]);
  const differences: Difference[] = [];
  for (const name of names) {
    const want = String(expected.fields[name] ?? NOTHING);
    const have = String(actual.fields[name] ?? NOTHING);
    if (want === have) continue;
    differences.push({ line, where: inside, field: name, expected: want, actual: have });
  }
  return [...differences, ...compareLists(expected.children, actual.children, line, inside)];
}

function compareLists(
  expected: readonly Item[],
  actual: readonly Item[],
  line: number,
  where: readonly string[],
): Difference[] {
  const middle = unequalMiddle(expected, actual);
  const differences: Difference[] = [];
  let at = line;
  const count = Math.max(middle.expected.length, middle.actual.length);
  for (let i = 0; i < count; i++) {
    const want = middle.expected[i];
    const have = middle.actual[i];
    at = want?.line ?? at;
    if (want !== undefined && have !== undefined) {
      differences.push(...compareItems(want, have, where));
    } else if (want !== undefined) {
      const texts = { expected: want.text, actual: NOTHING };
      differences.push({ line: at, where, field: "missing", ...texts });
    } else if (have !== undefined) {
      const texts = { expected: NOTHING, actual: have.text };
      differences.push({ line: at, where, field: "unexpected", ...texts });
    }
  }
  return differences;
}

/** Every difference in meaning between two outputs; none if they say the same. */
export function compareOutputs(expected: readonly Item[], actual: readonly Item[]): Difference[] {
  return compareLists(expected, actual, 0, []);
}
