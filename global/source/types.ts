import type { BinaryKey } from "../../shared/bytes.js";
import type { Incarnation } from "../../shared/etcd/incarnation.js";
import type { LineageMark } from "../../shared/etcd/lineage.js";

/** The newest state of one key. */
export interface SourceEvent {
  readonly key: BinaryKey;
  /** Undefined when the key was deleted. */
  readonly value: Uint8Array | undefined;
  readonly modRevision: number;
}

/** One instant on both of a process's clocks, in milliseconds. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/**
 * What a source says, in order. After a `reset` come `load`s and `batch`es; applying
 * them one after the other, whatever their kind, gives each key's state at the
 * stream's revision. Nothing is ever left out.
 */
export type SourceOutput =
  /** All that was said before is void; the first read of another generation begins. */
  | { readonly kind: "reset"; readonly incarnation: Incarnation; readonly reason: string }
  /**
   * A piece of a read of existing keys, as they stand at the stream's revision. The
   * keys of scan 0 (the first read) below `/atoll/` come before all others. After
   * the piece that is `done`, everything in the scan's range was said.
   */
  | {
      readonly kind: "load";
      readonly scan: number;
      readonly records: readonly SourceEvent[];
      readonly done: boolean;
      /** The stream's revision. */
      readonly revision: number;
    }
  /** All changes up to `revision`, in revision order; empty when nothing changed. */
  | {
      readonly kind: "batch";
      readonly revision: number;
      readonly events: readonly SourceEvent[];
    }
  /**
   * Everything that was written before `asOf` is in what was said so far: a
   * linearizable read that began then found no revision beyond the stream's.
   */
  | { readonly kind: "confirmed"; readonly revision: number; readonly asOf: Instant }
  /** The newest lineage record that was seen; for peers to remember. */
  | { readonly kind: "lineage"; readonly mark: LineageMark };

/** What somebody remembers of a region's state, to hold against what a store says now. */
export interface KnownSource {
  readonly incarnation: Incarnation;
  /** Highest revision of this incarnation that is known to have existed. */
  readonly revision: number;
  readonly lineage: LineageMark | undefined;
}

/** How a source is, for people. */
export type SourceStatus =
  | { readonly state: "connecting"; readonly error: string | undefined }
  | {
      readonly state: "loading";
      readonly endpoint: string;
      /** Keys that were read. */
      readonly keys: number;
      /** Keys that there were when it began; undefined while unknown. */
      readonly expected: number | undefined;
      readonly trouble: string | undefined;
    }
  | {
      readonly state: "live";
      readonly endpoint: string;
      readonly revision: number;
      /** What doesn't work although changes come; undefined when all does. */
      readonly trouble: string | undefined;
    }
  /** The store isn't what it was. `command` resolves it. */
  | { readonly state: "refused"; readonly reason: string; readonly command: string };
