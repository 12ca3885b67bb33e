import type { Failure } from "../../shared/sqlite/storage-error.js";

/** Work for the storage's thread, done in order; each has one answer. */
export type StorageRequest =
  | { readonly kind: "open"; readonly path: string; readonly region: string }
  /** Asks for one more piece of the rows, in the order of their keys. */
  | { readonly kind: "load" }
  /** Writes packed rows; all since the last commit are one transaction. */
  | { readonly kind: "write"; readonly packed: Uint8Array; readonly commits: boolean }
  /** Takes back what was written since the last commit. */
  | { readonly kind: "roll-back" }
  | { readonly kind: "shut" };

/** What the storage's thread answers. */
export type StorageReply =
  | { readonly kind: "done"; readonly bytes: number; readonly seconds: number }
  | {
      readonly kind: "rows";
      /** Null after the last piece. */
      readonly packed: Uint8Array | null;
      /** Why there may be more rows that can't be read. */
      readonly lost: string | undefined;
    }
  | { readonly kind: "failed"; readonly failure: Failure };
