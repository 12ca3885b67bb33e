import { Deferred } from "../../shared/deferred.js";
import type { AtollError } from "../../shared/errors.js";
import { BACKEND_LOAD_AHEAD } from "../../shared/limits.js";
import type { BackendRecord } from "../store/records.js";
import { unpack } from "./packed.js";

/** Reads all records of the state database, some pieces ahead of who takes them. */
export class RecordLoader {
  readonly #ask: () => void;
  #pieces: Deferred<Buffer | null>[] = [];
  #failure: AtollError | undefined;

  /** @param ask asks the worker for one more piece, which `take` is to be given */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /**
   * All records, in batches, in the order of (table, key); keys and values are views of
   * memory that is not used again. Throws what the database failed with.
   */
  async *load(): AsyncGenerator<readonly BackendRecord[], void> {
    const ahead = Array.from({ length: BACKEND_LOAD_AHEAD }, () => this.#next());
    for (;;) {
      const packed = await ahead.shift()?.promise;
      if (packed === null || packed === undefined) return;
      ahead.push(this.#next());
      const records: BackendRecord[] = [];
      unpack(packed, (record) => records.push(record));
      yield records;
    }
  }

  #next(): Deferred<Buffer | null> {
    const piece = new Deferred<Buffer | null>();
    // Pieces that were asked for ahead may fail before anyone waits for them.
    piece.promise.catch(() => undefined);
    if (this.#failure === undefined) {
      this.#pieces.push(piece);
      this.#ask();
    } else {
      piece.reject(this.#failure);
    }
    return piece;
  }

  /** The next piece that was asked for; null after the last one. */
  take(packed: Buffer | null): void {
    this.#pieces.shift()?.resolve(packed);
  }

  /** Refuses what waits and all that is asked for later. */
  fail(error: AtollError): void {
    this.#failure ??= error;
    for (const piece of this.#pieces.splice(0)) piece.reject(error);
  }
}
