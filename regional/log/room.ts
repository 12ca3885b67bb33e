import { DISK_FULL_RETRY_MS } from "../../shared/limits.js";
import {
  type Failure,
  isDiskFull,
  storageError,
  toFailure,
} from "../../shared/sqlite/storage-error.js";

/** What a thread that writes a file tells its owner of the disk. */
export type RoomReply =
  /** The disk is full; what is to be written waits, and all that comes after it. */
  | { readonly kind: "full"; readonly failure: Failure }
  /** What waited has been written. */
  | { readonly kind: "room" };

/**
 * Lets a thread that writes a file wait for room on a full disk: a write that finds none is
 * tried again and again, and nothing after it is begun. To be used in a thread of its own,
 * which sleeps meanwhile.
 */
export class RoomWaiter {
  readonly #what: string;
  readonly #path: string;
  readonly #closing: Int32Array;
  readonly #tell: (reply: RoomReply) => void;

  /**
   * @param what as in storageError
   * @param closing raised by the owner once nobody is to wait any more
   */
  constructor(
    what: string,
    path: string,
    closing: SharedArrayBuffer,
    tell: (reply: RoomReply) => void,
  ) {
    this.#what = what;
    this.#path = path;
    this.#closing = new Int32Array(closing);
    this.#tell = tell;
  }

  /**
   * Does `work`, which changes all or nothing, once there is room for it. Throws whatever else
   * is wrong, and that the disk is full when the file is being closed.
   */
  do<T>(work: () => T): T {
    let told = false;
    for (;;) {
      try {
        const result = work();
        if (told) this.#tell({ kind: "room" });
        return result;
      } catch (error) {
        if (!isDiskFull(error) || Atomics.load(this.#closing, 0) !== 0) throw error;
        if (!told) this.#tell({ kind: "full", failure: toFailure(this.#named(error)) });
        told = true;
        Atomics.wait(this.#closing, 0, 0, DISK_FULL_RETRY_MS);
      }
    }
  }

  /** Does `work` if there is room for it; false if not. It is not waited for. */
  try(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (isDiskFull(error)) return false;
      throw error;
    }
  }

  #named(error: unknown): ReturnType<typeof storageError> {
    return storageError(this.#what, this.#path, error);
  }
}

/** The owner's end: lets a thread that waits for room give up. */
export function endWaiting(closing: SharedArrayBuffer): void {
  const flag = new Int32Array(closing);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}
