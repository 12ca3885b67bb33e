import * as fc from "fast-check";
import { type Attestation, attestedSection } from "../../../global/digest/attestation.js";
import type { Cell, GroupChanges, GroupKey } from "../../../global/digest/cell.js";
import { Content } from "../../../global/digest/content.js";
import type { Publication, Transfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { toHex } from "../../../global/digest/hash.js";
import { type LeafChange, makeLeaf, pathOf } from "../../../global/digest/leaf.js";
import type { Order } from "../../../global/digest/orders.js";
import { makeSection, type Schema, type Section } from "../../../global/digest/section.js";
import { binOf } from "../../../global/digest/sketch/bins.js";
import { packBins } from "../../../global/digest/sketch/ddsketch.js";
import { hashNumber } from "../../../global/digest/sketch/hash64.js";
import { packSparse, registerOf } from "../../../global/digest/sketch/hyperloglog.js";
import { encodeDated } from "../../../global/digest/values/chosen.js";
import { packTop } from "../../../global/digest/values/top.js";
import { encodeValue } from "../../../global/digest/values/value-code.js";
import { packSet } from "../../../global/digest/values/value-set.js";
import type { Incarnation, Version } from "../../../global/digest/version.js";
import { sha256 } from "../../../shared/hash.js";

// One seed, so that a failing run can be had again.
fc.configureGlobal({ seed: 2_026 });

/** One measure of each kind. */
export const SCHEMA: Schema = {
  fingerprint: "ab".repeat(32),
  groupBy: ["value.app"],
  measures: [
    { name: "machines", kind: "count", scale: 0, limit: 0 },
    { name: "spare", kind: "sum", scale: 3, limit: 0 },
    { name: "least", kind: "min", scale: 0, limit: 0 },
    { name: "most", kind: "max", scale: 0, limit: 0 },
    { name: "hosts", kind: "distinct", scale: 0, limit: 0 },
    { name: "latency", kind: "quantiles", scale: 0, limit: 0 },
    { name: "one", kind: "any", scale: 0, limit: 0 },
    { name: "newest", kind: "latest", scale: 0, limit: 0 },
    { name: "zones", kind: "set", scale: 0, limit: 2 },
    { name: "busiest", kind: "top", scale: 1, limit: 2 },
  ],
  retired: false,
};

export const OTHER_SCHEMA: Schema = { ...SCHEMA, fingerprint: "cd".repeat(32) };

/** The nonce that is all one digit. */
export function nonce(digit: string): string {
  return digit.repeat(32);
}

export function incarnation(counter: number, digit = "a"): Incarnation {
  return { counter, nonce: nonce(digit), baseRevision: 0, parentNonce: "" };
}

export function version(revision: number, more: Partial<Version> = {}): Version {
  return { incarnation: incarnation(1), definition: 2, foldSemantics: 1, revision, ...more };
}

/** Cells of SCHEMA that a number decides. */
export function cells(n: number): readonly Cell[] {
  return [
    { kind: "count", count: n },
    { kind: "sum", scaled: BigInt(n) * -1_500n },
    { kind: "min", value: n % 3 === 0 ? undefined : n / 4 },
    { kind: "max", value: n },
    { kind: "distinct", packed: packSparse([hashNumber(n, registerOf)]) },
    { kind: "quantiles", packed: packBins([binOf(n)], [n + 1]) },
    { kind: "any", packed: encodeValue(`host-${n}`) },
    { kind: "latest", packed: encodeDated(n % 4, encodeValue(n % 2 === 0)) },
    { kind: "set", packed: packSet({ codes: [encodeValue(n)], truncated: n > 8 }) },
    {
      kind: "top",
      packed: packTop({
        entries: [{ code: encodeValue(n % 3), weight: n, error: 0 }],
        unlisted: n % 2,
      }),
    },
  ];
}

export function groupKey(name: string | number): GroupKey {
  return JSON.stringify([String(name)]);
}

/** Groups by name, as a section's changes. */
export function changes(groups: Readonly<Record<string, number | undefined>>): GroupChanges {
  const result = new Map<GroupKey, readonly Cell[] | undefined>();
  for (const [name, n] of Object.entries(groups)) {
    result.set(groupKey(name), n === undefined ? undefined : cells(n));
  }
  return result;
}

/** Content with exactly these groups, made in one step. */
export function contentOf(groups: ReadonlyMap<GroupKey, readonly Cell[]>): Content {
  const leaves: LeafChange[] = [];
  for (const [key, own] of groups) {
    const path = pathOf(key, sha256);
    leaves.push({ key, path, leaf: makeLeaf(key, path, own, sha256) });
  }
  return Content.empty(sha256).with(leaves);
}

/** One step of a region's history: what it does to groups, by name. */
export type Step = Readonly<Record<string, number | undefined>>;

/**
 * A region's history of one summary, written down plainly: its groups at each revision.
 * Revisions begin at 2.
 */
export class History {
  readonly region: string;
  readonly #states: Map<GroupKey, readonly Cell[]>[] = [new Map()];
  readonly #steps: Step[] = [];
  readonly #more: Partial<Version>;

  constructor(region: string, more: Partial<Version> = {}) {
    this.region = region;
    this.#more = more;
  }

  get id(): { region: string; summary: string } {
    return { region: this.region, summary: "machines" };
  }

  get last(): number {
    return this.#states.length + 1;
  }

  step(step: Step): void {
    const next = new Map(this.#states.at(-1));
    for (const [key, own] of changes(step)) {
      if (own === undefined) next.delete(key);
      else next.set(key, own);
    }
    this.#states.push(next);
    this.#steps.push(step);
  }

  groups(revision: number): ReadonlyMap<GroupKey, readonly Cell[]> {
    return this.#states[revision - 2] ?? new Map();
  }

  version(revision: number): Version {
    return version(revision, this.#more);
  }

  section(revision: number): Section {
    const content = contentOf(this.groups(revision));
    return makeSection(this.id, this.version(revision), SCHEMA, content, sha256);
  }

  /** What the region's fold says after it has gone from one revision to another. */
  publication(from: number | undefined, to: number): Publication {
    const touched = from === undefined ? this.groups(to) : this.#touched(from, to);
    return { id: this.id, from, to: this.version(to), schema: SCHEMA, changes: touched };
  }

  whole(revision: number): Transfer {
    const { id, version: to, schema, root } = this.section(revision);
    return { kind: "whole", id, to, schema, changes: this.groups(revision), root };
  }

  delta(from: number, to: number): Transfer {
    const { id, version: stands, root } = this.section(to);
    return { kind: "delta", id, to: stands, from, changes: this.#touched(from, to), root };
  }

  #touched(from: number, to: number): GroupChanges {
    const touched = new Map<GroupKey, readonly Cell[] | undefined>();
    const now = this.groups(to);
    for (const step of this.#steps.slice(from - 2, to - 2)) {
      for (const key of changes(step).keys()) touched.set(key, now.get(key));
    }
    return touched;
  }
}

/** Steps over a few groups, so that they meet again and again. */
export const arbitraryStep: fc.Arbitrary<Step> = fc.dictionary(
  fc.constantFrom("a", "b", "c", "d", "e", "f", "g"),
  fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
  { maxKeys: 3, noNullPrototype: true },
);

/** All that states must agree on: versions and roots, conflicts, and who was forgotten. */
export function digest(state: GlobalState): unknown {
  const regions = [...state.regions()].map(({ region, incarnation: life, nonces }) => ({
    region,
    counter: life.counter,
    nonces,
  }));
  const sections = state.claims().map(({ id, version: at, root }) => ({
    ...id,
    counter: at.incarnation.counter,
    definition: at.definition,
    revision: at.revision,
    root: toHex(root),
  }));
  const byName = (a: { region: string }, b: { region: string }): number =>
    a.region < b.region ? -1 : 1;
  return {
    regions: regions.sort(byName),
    sections: sections.sort(byName),
    forgotten: [...state.forgotten].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

/** What isn't signed, which only a state that believes everybody takes. */
const NO_SIGNATURE = { signature: new Uint8Array(0), keyId: "" };

/** An operator's order to remove a region. */
export function forget(region: string, counter: number): Order {
  return { kind: "forget", region, counter, nonce: "", serial: 0, ...NO_SIGNATURE };
}

/** An operator's order to settle for a life. */
export function adopt(region: string, life: Incarnation, serial = 0): Order {
  const { counter, nonce: adopted } = life;
  return { kind: "adopt", region, counter, nonce: adopted, serial, ...NO_SIGNATURE };
}

/** A region's word for a section of one of its lives. */
export function wordOf(history: History, revision = history.last): Attestation {
  const section = history.section(revision);
  return {
    region: history.region,
    incarnation: section.version.incarnation,
    sections: [attestedSection(section)],
    lineage: undefined,
    ...NO_SIGNATURE,
  };
}

/** Joins all that `from` has into `into`, as one gateway pulls from another. */
export function pull(into: GlobalState, from: GlobalState): void {
  for (const order of from.orders()) into.obey(order);
  for (const claim of from.claims()) {
    if (into.judge(claim) !== "newer") continue;
    const transfer = from.transferSince(claim.id, into.have(claim.id));
    if (transfer !== undefined) into.receive(transfer);
  }
  for (const word of from.words.evidence()) into.witness(word);
}

/** A state that was told all that others have, one after the other. */
export function joined(...states: readonly GlobalState[]): GlobalState {
  const result = new GlobalState(sha256);
  for (const state of states) pull(result, state);
  return result;
}

/** us-east with a history: a=1 at 3, b=2 at 4, a=5 at 5, a=1 at 6, b gone at 7. */
export function usEast(more: Partial<Version> = {}): History {
  const history = new History("us-east", more);
  for (const step of [{ a: 1 }, { b: 2 }, { a: 5 }, { a: 1 }, { b: undefined }]) history.step(step);
  return history;
}

export function newState(): GlobalState {
  return new GlobalState(sha256);
}

export function holding(transfer: Transfer): GlobalState {
  const result = newState();
  const outcome = result.receive(transfer);
  if (outcome.kind !== "applied") throw new Error(`the transfer was ${outcome.kind}`);
  return result;
}

export function groupsOf(section: Section | undefined): unknown {
  return new Map([...(section?.content.leaves() ?? [])].map((leaf) => [leaf.key, leaf.cells]));
}

export function forged(transfer: Transfer): Transfer {
  return { ...transfer, root: "x".repeat(32) };
}
