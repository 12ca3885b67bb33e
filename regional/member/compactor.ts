import { errorText } from "../../shared/errors.js";
import {
  LOG_COMPACTION_STEP_ENTRIES,
  LOG_MARGIN_ENTRIES,
  MAX_LOG_RETAINED_BYTES,
} from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { MemberStorage } from "../backend/storage.js";

/**
 * Keeps the log short: once enough entries or bytes have piled up, makes the state
 * durable and cuts the log below it, save for a margin that slow followers still need.
 */
export class Compactor {
  readonly #storage: MemberStorage;
  readonly #log: Logger;
  #busy = false;
  #stopped = false;
  /** Cuts made since the start. */
  compactions = 0;

  constructor(storage: MemberStorage, log: Logger) {
    this.#storage = storage;
    this.#log = log;
  }

  /** Looks whether there is something to cut; called about once a second. */
  tick(): void {
    if (this.#busy || this.#stopped || !this.#due()) return;
    this.#busy = true;
    this.#compact().then(
      () => {
        this.#busy = false;
      },
      (error: unknown) => {
        this.#busy = false;
        // The state database reports its own failures; during an install it may be replaced.
        if (!this.#stopped) this.#log.warn({ reason: errorText(error) }, "log not compacted");
      },
    );
  }

  stop(): void {
    this.#stopped = true;
  }

  #due(): boolean {
    const { log } = this.#storage;
    const entries = log.lastIndex() - log.base.index;
    return (
      entries >= LOG_MARGIN_ENTRIES + LOG_COMPACTION_STEP_ENTRIES ||
      log.retainedBytes > MAX_LOG_RETAINED_BYTES
    );
  }

  async #compact(): Promise<void> {
    const durable = await this.#storage.backend.checkpoint();
    if (this.#stopped) return;
    const { log } = this.#storage;
    const byEntries = log.lastIndex() - LOG_MARGIN_ENTRIES;
    const byBytes = log.indexWithin(MAX_LOG_RETAINED_BYTES);
    const index = Math.min(Math.max(byEntries, byBytes), durable, log.durableIndex);
    if (index <= log.base.index) return;
    log.compact(index);
    this.compactions++;
    this.#log.debug({ index }, "log compacted");
  }
}
