import type { Incarnation } from "../../shared/etcd/incarnation.js";

export type { Incarnation };

/** Where a section stands. */
export interface Version {
  readonly incarnation: Incarnation;
  /** Mod revision of the definition; of its deletion when the summary is retired. */
  readonly definition: number;
  /** Number of the rules by which records become cells. */
  readonly foldSemantics: number;
  /** Revision of the region that the content is a function of. */
  readonly revision: number;
}

/**
 * Negative, 0 or positive as `a` is before, at or past `b`: by incarnation counter,
 * then definition, then revision, then fold semantics; never by a clock.
 *
 * The definition comes before the revision because a region's gateways switch to a
 * new definition at different revisions: once one of them has published it, the
 * others' content of the old one is no news, however far it has come. Definitions
 * never go back within one incarnation, so nothing can stand still for ever by it.
 * Fold semantics come last, because they do go back when a release is taken back.
 *
 * Nonces are not compared: equal counters with different nonces have no order, they
 * are a conflict (orders.ts), which is to be looked for first.
 */
export function compareVersions(a: Version, b: Version): number {
  return (
    a.incarnation.counter - b.incarnation.counter ||
    a.definition - b.definition ||
    a.revision - b.revision ||
    a.foldSemantics - b.foldSemantics
  );
}

/**
 * Whether a delta may lead from one to the other: same incarnation, definition and
 * fold semantics.
 */
export function sameLine(a: Version, b: Version): boolean {
  return (
    a.incarnation.counter === b.incarnation.counter &&
    a.incarnation.nonce === b.incarnation.nonce &&
    a.definition === b.definition &&
    a.foldSemantics === b.foldSemantics
  );
}

/** A version for people: `incarnation/definition/revision`. */
export function versionText(version: Version): string {
  return `${version.incarnation.counter}/${version.definition}/${version.revision}`;
}
