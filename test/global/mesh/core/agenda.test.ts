import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Agenda } from "../../../../global/mesh/core/agenda.js";

const NOW = Number.NEGATIVE_INFINITY;
const NEVER = Number.POSITIVE_INFINITY;

test("what is to be looked at is looked at once, in its time", () => {
  const agenda = new Agenda<string>();
  agenda.note("a", 10);
  agenda.note("b", NOW);
  agenda.note("c", NEVER);
  expect(agenda.nextMs()).toBe(NOW);
  expect([...agenda.take(0)]).toEqual(["b"]);
  expect(agenda.nextMs()).toBe(10);
  expect([...agenda.take(9)]).toEqual([]);
  expect([...agenda.take(10)]).toEqual(["a"]);
  expect([...agenda.take(11)]).toEqual([]);
  expect(agenda.nextMs()).toBe(NEVER);
});

test("nothing is looked at later than it was noted for, nor at all without a note", () => {
  const note = fc.tuple(fc.nat(4), fc.integer({ min: 0, max: 50 }));
  fc.assert(
    fc.property(fc.array(note), (notes) => {
      const agenda = new Agenda<number>();
      const pending = new Map<number, number>();
      for (const [item, atMs] of notes) {
        agenda.note(item, atMs);
        pending.set(item, Math.min(pending.get(item) ?? NEVER, atMs));
      }
      for (let nowMs = 0; nowMs <= 50; nowMs++) {
        expect(agenda.nextMs()).toBeLessThanOrEqual(Math.min(...pending.values()));
        const taken = agenda.take(nowMs);
        for (const item of taken) {
          expect(notes.some(([noted, atMs]) => noted === item && atMs <= nowMs)).toBe(true);
        }
        for (const [item, atMs] of pending) {
          if (atMs > nowMs) continue;
          expect(taken.has(item)).toBe(true);
          pending.delete(item);
        }
      }
      expect(agenda.nextMs()).toBe(NEVER);
    }),
  );
});
