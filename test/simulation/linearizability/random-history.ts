import type { Random } from "../../../shared/random.js";
import type { KvOperation, Value } from "./key-value.js";

export interface HistoryShape {
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Chance that an operation is never answered. */
  readonly unanswered: number;
  /** Chance that a write answers without what it saw. */
  readonly blind: number;
}

/**
 * A history that is linearizable by construction: clients take turns at a real store, each
 * operation happening at one moment between its call and its end (or, if it is never
 * answered, perhaps never).
 */
export function randomHistory(random: Random, shape: HistoryShape): KvOperation[] {
  const values = new Map<number, Value>();
  const freeAt = Array.from({ length: shape.clients }, () => 0);
  const drafts: { at: number; make: (happens: boolean) => KvOperation; happens: boolean }[] = [];
  for (let i = 0; i < shape.operations; i++) {
    const client = random.int(shape.clients);
    const call = (freeAt[client] as number) + 1 + random.int(5);
    const at = call + 0.5 + random.int(20);
    const answered = !random.chance(shape.unanswered);
    const end = answered ? at + 0.5 + random.int(10) : Number.POSITIVE_INFINITY;
    freeAt[client] = answered ? end : at + 10;
    const key = random.int(shape.keys);
    const kind = random.pick(["get", "get", "put", "put", "swap", "delete"] as const);
    const hides = !answered || (kind !== "get" && kind !== "swap" && random.chance(shape.blind));
    const make = (happens: boolean): KvOperation => {
      const value = values.get(key) ?? null;
      const common = { key, call, end, seen: hides ? undefined : value };
      const expected = random.chance(0.6) ? value : -1;
      if (happens) {
        if (kind === "put") values.set(key, i);
        else if (kind === "delete") values.set(key, null);
        else if (kind === "swap" && value === expected) values.set(key, i);
      }
      if (kind === "swap") return { ...common, kind, expected, value: i };
      return kind === "put" ? { ...common, kind, value: i } : { ...common, kind };
    };
    drafts.push({ at, make, happens: answered || random.chance(0.5) });
  }
  drafts.sort((a, b) => a.at - b.at);
  return drafts.map(({ make, happens }) => make(happens));
}
