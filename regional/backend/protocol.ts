import type { Failure } from "../../shared/sqlite/storage-error.js";
import type { FileIdentity } from "../log/identity.js";
import type { RoomReply } from "../log/room.js";
import type { SnapshotMetadata } from "../raft/types.js";
import type { StateSize } from "./state-file.js";

/** What the state database's worker starts with. */
export interface BackendWorkerData {
  readonly path: string;
  readonly identity: FileIdentity;
  /** One Int32 that is raised when the file is being closed: nobody waits for room any more. */
  readonly closing: SharedArrayBuffer;
}

/** Work for the state database's worker, done in order. */
export type BackendRequest =
  | { readonly kind: "write"; readonly packed: ArrayBuffer; readonly position: SnapshotMetadata }
  | { readonly kind: "checkpoint" }
  /** Asks for one more piece of the records. */
  | { readonly kind: "load" }
  | { readonly kind: "close" };

/** What the state database's worker says. */
export type BackendReply =
  | {
      readonly kind: "opened";
      readonly position: SnapshotMetadata | null;
      readonly size: StateSize;
    }
  /** A piece of the records, packed; null after the last one. */
  | { readonly kind: "records"; readonly packed: ArrayBuffer | null; readonly length: number }
  | { readonly kind: "written"; readonly seconds: number; readonly size: StateSize }
  | { readonly kind: "checkpointed"; readonly complete: boolean; readonly seconds: number }
  | { readonly kind: "closed" }
  | RoomReply
  | { readonly kind: "failed"; readonly failure: Failure };

/** A task on a whole state database, done by a thread that ends with it. */
export type ImageTask =
  /** Writes a consistent image of the database `source` to `target`. */
  | { readonly kind: "make"; readonly source: string; readonly target: string }
  /** Verifies a received image and makes it this member's own. */
  | { readonly kind: "adopt"; readonly path: string; readonly identity: FileIdentity };

/** How an ImageTask ended. */
export type ImageReply =
  | {
      readonly kind: "done";
      readonly position: SnapshotMetadata;
      readonly bytes: number;
      /** CRC-32 of each SNAPSHOT_CHUNK_BYTES of a made image. */
      readonly checksums: Uint32Array;
    }
  | { readonly kind: "failed"; readonly failure: Failure };
