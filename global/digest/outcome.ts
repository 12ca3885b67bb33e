import type { Section } from "./section.js";
import type { Distrust } from "./trust.js";
import type { Version } from "./version.js";

/** Why a state doesn't take what it was given. */
export type RefusalReason =
  /** Two incarnations with one counter: the region is frozen. */
  | "conflict"
  /** The region was removed for good. */
  | "forgotten"
  /** The region is known in a later incarnation, or an operator has settled for another. */
  | "superseded"
  /** The incarnation skips a counter, and no operator has adopted it. */
  | "jump"
  /** The origin's signature is missing, of an unknown key, or not over this. */
  | Distrust
  /** Same version, another root: one of the two is wrong; the section is quarantined. */
  | "divergence"
  /** The content that results has another root than the one claimed. */
  | "bad-root"
  /** Cells don't fit the schema, or a bound is exceeded. */
  | "invalid";

/** What became of something that a state was given. */
export type Outcome =
  /** The section moved; `before` is undefined when it is new. */
  | { readonly kind: "applied"; readonly before: Section | undefined; readonly section: Section }
  /** Nothing newer. */
  | { readonly kind: "known" }
  /** A delta that doesn't follow: repair from `have`; undefined asks for the whole section. */
  | { readonly kind: "gap"; readonly have: Version | undefined }
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly message: string };

/** How a peer's claim of a version compares with what is held. */
export type ClaimVerdict =
  /** The peer has something newer: pull it. */
  | "newer"
  | "same"
  /** One of the two is wrong, or of another life: only the origin's word for it can tell. */
  | "differs"
  /** This holder has something newer: the peer may pull it. */
  | "older"
  /** Nothing to exchange: conflict, forgotten, jump. */
  | "refused";
