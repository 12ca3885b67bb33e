import type { Incarnation } from "../../shared/etcd/incarnation.js";
import type { Lineage, LineageMark } from "../../shared/etcd/lineage.js";
import type { KnownSource } from "./types.js";

/** What a store says of itself, read linearizably at one revision. */
export interface Seen {
  readonly incarnation: Incarnation | undefined;
  readonly lineage: LineageMark | undefined;
  readonly revision: number;
}

/** What becomes of a connection to a store. */
export type Admission =
  /** Nobody has begun this region's first life. */
  | { readonly kind: "create" }
  /** Read everything. */
  | { readonly kind: "begin"; readonly incarnation: Incarnation; readonly reason: string }
  /** Go on where the stream is. */
  | { readonly kind: "resume" }
  /** The store isn't what somebody knows it to be. */
  | { readonly kind: "refuse"; readonly reason: string };

/** Resolves every refusal: a new incarnation stands above all that was known. */
export const RESOLVING_COMMAND = "atoll region restore-epoch raise";

/**
 * Decides whether a store may be read, and from where. `followed` is what this
 * process read so far, and goes on from; `remembered` is what its disk and the peers
 * know. The rules are those of the design's Versions: a new incarnation counts when
 * its counter is above all that is known; within one, neither the revision nor the
 * lineage may go back.
 */
export function admit(
  followed: KnownSource | undefined,
  remembered: KnownSource | undefined,
  seen: Seen,
): Admission {
  const { incarnation } = seen;
  if (incarnation === undefined) {
    const known = remembered ?? followed;
    if (known === undefined) return { kind: "create" };
    return refuse(
      `it has no /atoll/incarnation, but ${nameOf(known.incarnation)} was seen: it is another store, or was restored from before Atoll`,
    );
  }
  const contradiction =
    contradicts(remembered, incarnation, seen) ?? contradicts(followed, incarnation, seen);
  if (contradiction !== undefined) return refuse(contradiction);
  if (followed === undefined) return { kind: "begin", incarnation, reason: "first read" };
  if (followed.incarnation.counter === incarnation.counter) return { kind: "resume" };
  return { kind: "begin", incarnation, reason: `${nameOf(incarnation)} began` };
}

function refuse(reason: string): Admission {
  return { kind: "refuse", reason };
}

function nameOf(incarnation: Incarnation): string {
  return `incarnation ${incarnation.counter} (${incarnation.nonce.slice(0, 8)})`;
}

/** Why what somebody knows forbids to take a store for the same, or a newer, one. */
function contradicts(
  known: KnownSource | undefined,
  incarnation: Incarnation,
  seen: Seen,
): string | undefined {
  if (known === undefined || incarnation.counter > known.incarnation.counter) return undefined;
  if (incarnation.counter < known.incarnation.counter) {
    return `it is in ${nameOf(incarnation)}, but ${nameOf(known.incarnation)} was seen: it was restored from before that`;
  }
  if (incarnation.nonce !== known.incarnation.nonce) {
    return `it is in ${nameOf(incarnation)}, but another one of that number was seen, ${nameOf(known.incarnation)}: two restores of one backup, or two stores`;
  }
  if (seen.revision < known.revision) {
    return `it is at revision ${seen.revision}, but ${known.revision} was seen: it went back`;
  }
  return known.lineage && lineageWentBack(known.lineage, seen.lineage);
}

function lineageWentBack(known: LineageMark, seen: LineageMark | undefined): string | undefined {
  const at = (mark: LineageMark): string => `${mark.counter} at revision ${mark.revision}`;
  if (seen === undefined)
    return `it has no /atoll/lineage, but ${at(known)} was seen: it went back`;
  if (seen.counter < known.counter || seen.revision < known.revision) {
    return `its lineage is ${at(seen)}, but ${at(known)} was seen: it went back`;
  }
  if (seen.counter === known.counter && seen.nonce !== known.nonce) {
    return `its lineage ${at(seen)} was written by another hand than the one seen: its history forked`;
  }
  return undefined;
}

/** What stood at the lineage key at a revision long ago; `unknown` when that is compacted. */
export type LineageThen = Lineage | "nothing" | "unknown";

/**
 * Why a store's own history forbids to take it for the one that `known` is of: at
 * that revision it had something else. It shows forks whose newer records have long
 * overtaken the known one. Undefined when the history agrees, or is compacted.
 */
export function forked(known: LineageMark, then: LineageThen): string | undefined {
  if (then === "unknown") return undefined;
  if (then !== "nothing" && then.counter === known.counter && then.nonce === known.nonce) {
    return undefined;
  }
  const found = then === "nothing" ? "none" : `${then.counter}`;
  return `at revision ${known.revision} its lineage was ${found}, but ${known.counter} was seen: its history forked`;
}

/** Joins what two know of one region; the newer life wins, then the farther point. */
export function joinKnown(
  a: KnownSource | undefined,
  b: KnownSource | undefined,
): KnownSource | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.incarnation.counter !== b.incarnation.counter) {
    return a.incarnation.counter > b.incarnation.counter ? a : b;
  }
  if (a.incarnation.nonce !== b.incarnation.nonce) return a;
  return {
    incarnation: a.incarnation,
    revision: Math.max(a.revision, b.revision),
    lineage: (b.lineage?.counter ?? 0) > (a.lineage?.counter ?? 0) ? b.lineage : a.lineage,
  };
}
