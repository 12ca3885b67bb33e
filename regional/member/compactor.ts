import { errorText } from "../../shared/errors.js";
import {
  LOG_COMPACTION_STEP_ENTRIES,
  LOG_MARGIN_ENTRIES,
  MAX_LOG_RETAINED_BYTES,
} from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { MemberStorage } from "../backend/storage.js";

/**
 * Keeps the log short: what the state database holds safely is cut, save for a margin
 * that slow followers still need, and for what members need that are being sent a snapshot.
 * Neither holds beyond MAX_LOG_RETAINED_BYTES. The database makes itself durable every few seconds;
 * it is asked to only when the log has grown beyond its bound.
 */
export class Compactor {
  readonly #storage: MemberStorage;
  readonly #heldIndex: () => number | undefined;
  readonly #log: Logger;
  #checkpointing = false;
  #stopped = false;
  /** Cuts made since the start. */
  compactions = 0;

  /** @param heldIndex entries after it are wanted, by members that are sent a snapshot at it */
  constructor(storage: MemberStorage, heldIndex: () => number | undefined, log: Logger) {
    this.#storage = storage;
    this.#heldIndex = heldIndex;
    this.#log = log;
  }

  /** Cuts what can be cut; called about once a second. */
  tick(): void {
    if (this.#stopped) return;
    const { log, backend } = this.#storage;
    const byEntries = Math.min(
      log.lastIndex() - LOG_MARGIN_ENTRIES,
      this.#heldIndex() ?? Number.POSITIVE_INFINITY,
    );
    const tooLong = log.retainedBytes > MAX_LOG_RETAINED_BYTES;
    const wanted = tooLong
      ? Math.max(byEntries, log.indexWithin(MAX_LOG_RETAINED_BYTES))
      : byEntries;
    const index = Math.min(wanted, backend.durableAppliedIndex, log.durableIndex);
    const least = tooLong ? 1 : LOG_COMPACTION_STEP_ENTRIES;
    if (index - log.base.index >= least) {
      log.compact(index);
      this.compactions++;
      this.#log.debug({ index }, "log compacted");
    } else if (tooLong) {
      this.#checkpoint();
    }
  }

  #checkpoint(): void {
    if (this.#checkpointing) return;
    this.#checkpointing = true;
    this.#storage.backend.checkpoint().then(
      () => {
        this.#checkpointing = false;
      },
      (error: unknown) => {
        this.#checkpointing = false;
        // The state database reports its own failures; an install may have replaced it.
        if (!this.#stopped) this.#log.warn({ reason: errorText(error) }, "state not checkpointed");
      },
    );
  }

  stop(): void {
    this.#stopped = true;
  }
}
