import { AtollError } from "../../shared/errors.js";
import type { Incarnation } from "../../shared/etcd/incarnation.js";
import { MAX_REPLAYED_REVISIONS } from "../../shared/limits.js";
import { type Access, type Head, readHead } from "./store.js";

/** A point in a region's past, to go on from. */
export interface HeldPast {
  readonly incarnation: Incarnation;
  readonly revision: number;
}

/**
 * The store as it was where its gateway left it, to be read first: what has happened since
 * then comes as changes, and not as another state of which nobody knows how it came about.
 * Undefined where that is gone, or so long ago that reading all of it anew costs less.
 */
export async function readPast(
  access: Access,
  { incarnation, revision }: Head,
  held: HeldPast | undefined,
): Promise<Head | undefined> {
  if (held === undefined || held.incarnation.nonce !== incarnation?.nonce) return undefined;
  if (held.revision < 1 || held.revision >= revision) return undefined;
  if (revision - held.revision > MAX_REPLAYED_REVISIONS) return undefined;
  try {
    const past = await readHead(access, held.revision);
    return past.incarnation?.nonce === incarnation.nonce ? past : undefined;
  } catch (error) {
    if (error instanceof AtollError && error.code === "OUT_OF_RANGE") return undefined;
    throw error;
  }
}
