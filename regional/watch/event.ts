import type { KvRow } from "../store/row.js";

/** One change as watchers are told of it; shared by all watchers, its bytes made once. */
export interface WatchEvent {
  readonly row: KvRow;
  /** State before the change, if it existed and was not compacted. */
  previous(): KvRow | undefined;
  /**
   * The event as field 11 of a WatchResponse: tag, length, encoded mvccpb.Event, with or
   * without prev_kv. Concatenate these of all events of a response. Don't change it.
   */
  field(withPrevKv: boolean): Uint8Array;
}
