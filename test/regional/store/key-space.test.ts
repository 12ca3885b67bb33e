import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Arena } from "../../../regional/store/arena.js";
import { KeySpace } from "../../../regional/store/key-space.js";

/** A key space and what it must hold: every key, and whether it exists now. */
class Pair {
  readonly keys = new KeySpace();
  readonly expected = new Map<string, boolean>();
  readonly #arena = new Arena();
  #ordinal = 0;

  put(key: string): void {
    this.#ordinal++;
    const revision = this.#ordinal + 1;
    const none = new Uint8Array(0);
    const row = this.#arena.put(key, revision, revision, 1, undefined, this.#ordinal, none, 0, 0);
    this.keys.add(this.keys.get(key), row);
    this.expected.set(key, true);
  }

  delete(key: string): void {
    const history = this.keys.get(key);
    if (history?.current() === undefined) return;
    this.#ordinal++;
    this.keys.add(history, this.#arena.tombstone(key, this.#ordinal + 1, this.#ordinal));
    this.expected.set(key, false);
  }

  remove(key: string): void {
    if (this.expected.get(key) !== false) return;
    this.keys.remove(key);
    this.expected.delete(key);
  }

  scanned(from: string, to: string | undefined): string[] {
    const found: string[] = [];
    this.keys.scan(from, to, (history) => {
      found.push(history.latest.key);
      return true;
    });
    return found;
  }

  compare(from: string, to: string | undefined): void {
    const inside = [...this.expected]
      .filter(([key]) => key >= from && (to === undefined || key < to))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    expect(this.scanned(from, to)).toEqual(inside.map(([key]) => key));
    expect(this.keys.count(from, to)).toBe(inside.filter(([, live]) => live).length);
  }
}

/** Enough keys for many leaves, in several orders of arrival. */
const NUMBERS = 3000;
const name = (n: number): string => `/k/${String(n % NUMBERS).padStart(5, "0")}`;

for (const [order, step] of [
  ["rising", 1],
  ["falling", NUMBERS - 1],
  ["scattered", 1009],
] as const) {
  test(`thousands of keys that come in ${order} order, go and come back`, () => {
    const pair = new Pair();
    for (let i = 0; i < NUMBERS; i++) pair.put(name(i * step));
    const ranges = [
      ["", undefined],
      [name(0), name(NUMBERS - 1)],
      [name(700), name(701)],
      [name(255), name(2600)],
      [name(90), name(80)],
      ["/l", undefined],
    ] as const;
    for (const [from, to] of ranges) pair.compare(from, to);
    for (let i = 0; i < NUMBERS; i++) if (i % 7 !== 0) pair.delete(name(i));
    for (const [from, to] of ranges) pair.compare(from, to);
    for (let i = 0; i < NUMBERS; i++) if (i % 3 !== 0) pair.remove(name(i * step));
    for (const [from, to] of ranges) pair.compare(from, to);
    for (let i = 0; i < NUMBERS; i++) if (i % 5 === 0) pair.put(name(i * step));
    for (const [from, to] of ranges) pair.compare(from, to);
    for (let i = 0; i < NUMBERS; i++) pair.delete(name(i));
    for (let i = 0; i < NUMBERS; i++) pair.remove(name(i));
    for (const [from, to] of ranges) pair.compare(from, to);
    pair.put("back");
    pair.compare("", undefined);
  });
}

test("any keys in any order", () => {
  const key = fc.string({ maxLength: 4, unit: fc.constantFrom("a", "b", "\0", "\xff") });
  const step = fc.tuple(fc.constantFrom("put", "put", "delete", "remove"), key);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), key, key, (steps, from, to) => {
      const pair = new Pair();
      for (const [what, at] of steps) {
        if (what === "put") pair.put(at);
        else if (what === "delete") pair.delete(at);
        else pair.remove(at);
      }
      pair.compare(from, to);
      pair.compare(from, undefined);
    }),
    { numRuns: 300 },
  );
});

test("a scan stops when it is told to", () => {
  const pair = new Pair();
  for (let i = 0; i < 1000; i++) pair.put(name(i));
  let visits = 0;
  pair.keys.scan("", undefined, () => ++visits < 300);
  expect(visits).toBe(300);
});
