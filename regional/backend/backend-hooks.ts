import type { AtollError } from "../../shared/errors.js";
import type { FileIdentity } from "../log/identity.js";

/** What the owner of a backend is told; all calls come on the event loop. */
export interface BackendHooks {
  /** The database can't be read or written any more. Called once; the member must stop. */
  onFailure(error: AtollError): void;
  /** A checkpoint completed: state through `durableAppliedIndex` survives a power cut. */
  onCheckpoint?(durableAppliedIndex: number, seconds: number): void;
  /** A transaction was written: seconds in the worker, records and bytes. */
  onWrite?(seconds: number, records: number, bytes: number): void;
}

/** How a backend is opened. */
export interface BackendOptions {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly hooks: BackendHooks;
}
