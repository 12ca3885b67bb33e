import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Outlet } from "../../../global/source/outlet.js";
import type { SourceEvent, SourceOutput } from "../../../global/source/types.js";
import { MAX_SAID_EVENTS, SAY_TURN_MS } from "../../../shared/limits.js";

const INCARNATION = { counter: 1, nonce: "ab".repeat(16), baseRevision: 0, parentNonce: "" };
const LAST: SourceOutput = {
  kind: "lineage",
  mark: { counter: 1, nonce: "cd".repeat(8), gateway: "g0", revision: 1 },
};
const RESET: SourceOutput = { kind: "reset", incarnation: INCARNATION, reason: "test" };

/** Changes of so many revisions, of so many keys each. */
function batch(revisions: number, keysEach: number, first = 1): SourceOutput {
  const events: SourceEvent[] = [];
  for (let n = 0; n < revisions * keysEach; n++) {
    const modRevision = first + Math.floor(n / keysEach);
    events.push({ key: `/${n}`, value: undefined, modRevision });
  }
  return { kind: "batch", revision: first + revisions, events };
}

function load(count: number, revision: number, done: boolean): SourceOutput {
  const records = Array.from({ length: count }, (_, n) => ({
    key: `/${n}`,
    value: new Uint8Array(0),
    modRevision: n,
  }));
  return { kind: "load", scan: 0, records, done, revision };
}

/** An outlet whose clock goes on by so many milliseconds with each piece. */
function begin(pieceMs: number, take: (output: SourceOutput) => void = () => {}) {
  const said: SourceOutput[] = [];
  const failures: unknown[] = [];
  let nowMs = 0;
  const outlet = new Outlet({
    clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
    say: (output) => {
      nowMs += pieceMs;
      said.push(output);
      take(output);
    },
    failed: (error) => failures.push(error),
  });
  return { outlet, said, failures };
}

function events(outputs: readonly SourceOutput[]): SourceEvent[] {
  return outputs.flatMap((output) => {
    if (output.kind === "load") return output.records;
    return output.kind === "batch" ? output.events : [];
  });
}

test("what is little is said at once, and as it is", () => {
  const { outlet, said } = begin(0);
  const outputs = [RESET, load(3, 7, true), batch(2, 2, 8)];
  outlet.push(outputs);
  expect(said).toEqual(outputs);
  expect(outlet.size).toBe(0);
});

test("what is much is said in pieces between which others have their turn", async () => {
  const { outlet, said } = begin(SAY_TURN_MS);
  outlet.push([load(3 * MAX_SAID_EVENTS + 1, 9, true)]);
  expect(said).toHaveLength(1);
  let turns = 0;
  const other = setInterval(() => turns++, 0);
  await outlet.hasAtMost(0);
  clearInterval(other);
  expect(turns).toBeGreaterThan(0);
  expect(said.map((output) => output.kind === "load" && output.done)).toEqual([
    false,
    false,
    false,
    true,
  ]);
  expect(events(said).map(({ modRevision }) => modRevision)).toEqual(
    Array.from({ length: 3 * MAX_SAID_EVENTS + 1 }, (_, n) => n),
  );
});

test("pieces are the whole, and end where a revision ends", async () => {
  const sizes = fc.record({
    revisions: fc.integer({ min: 0, max: 40 }),
    each: fc.integer({ min: 1, max: 400 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { maxLength: 6 }), fc.nat(20), async (parts, pieceMs) => {
      let revision = 1;
      const outputs = parts.map(({ revisions, each }) => {
        const output = batch(revisions, each, revision);
        revision += revisions + 1;
        return output;
      });
      const { outlet, said } = begin(pieceMs);
      outlet.push([...outputs, LAST]);
      while (said.at(-1) !== LAST) await new Promise((resolve) => setImmediate(resolve));
      said.pop();
      const names = (of: readonly SourceOutput[]): string => {
        return events(of)
          .map(({ key, modRevision }) => `${key}@${modRevision}`)
          .join();
      };
      expect(names(said)).toBe(names(outputs));
      let before = 0;
      for (const output of said) {
        if (output.kind !== "batch") throw new Error("not a batch");
        expect(output.revision).toBeGreaterThan(before);
        const revisions = output.events.map(({ modRevision }) => modRevision);
        const astray = revisions.filter((at) => at <= before || at > output.revision);
        expect(astray).toEqual([]);
        before = output.revision;
      }
      expect(before).toBe(outputs.length === 0 ? 0 : revision - 1);
    }),
    { numRuns: 30 },
  );
});

describe("what waits", () => {
  test("is void after a reset", async () => {
    const { outlet, said } = begin(SAY_TURN_MS);
    outlet.push([load(10 * MAX_SAID_EVENTS, 9, true)]);
    outlet.push([RESET, batch(1, 1)]);
    await outlet.hasAtMost(0);
    expect(said.map(({ kind }) => kind)).toEqual(["load", "reset", "batch"]);
  });

  test("is dropped when something isn't taken, and when it is closed", async () => {
    const failing = begin(SAY_TURN_MS, () => {
      throw new Error("not taken");
    });
    failing.outlet.push([batch(1, 1), batch(1, 1, 3)]);
    expect(failing.failures).toEqual([new Error("not taken")]);
    expect(failing.outlet.size).toBe(0);
    const { outlet, said } = begin(SAY_TURN_MS);
    outlet.push([load(10 * MAX_SAID_EVENTS, 9, true)]);
    const empty = outlet.hasAtMost(0);
    outlet.close();
    await empty;
    outlet.push([RESET]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).toHaveLength(1);
  });
});
