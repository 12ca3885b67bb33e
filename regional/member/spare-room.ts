import { randomFillSync } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { SPARE_ROOM_BYTES, SPARE_ROOM_PART } from "../../shared/limits.js";

const BLOCK_BYTES = 64 * 1024;

/**
 * A file that only takes up room. It is given up when the disk is full to the last byte: then
 * votes can still be written, so that there is a leader to read from, and deletions and
 * compactions find their way into the log.
 */
export class SpareRoom {
  readonly #file: string;
  #held: boolean;
  #making = false;

  /** @param folder the data directory; a spare file of a former life is found there */
  constructor(folder: string) {
    this.#file = join(folder, "SPARE");
    this.#held = existsSync(this.#file);
  }

  /** Whether there is room to give up. */
  get held(): boolean {
    return this.#held;
  }

  /** Makes the file, off the event loop; nothing where it is there, or where it can't be made. */
  async make(totalBytes: number): Promise<void> {
    if (this.#held || this.#making) return;
    this.#making = true;
    try {
      const file = await open(this.#file, "w", 0o600);
      try {
        const size = Math.min(SPARE_ROOM_BYTES, totalBytes * SPARE_ROOM_PART);
        // Nothing that a file system could pack away.
        const block = randomFillSync(Buffer.alloc(BLOCK_BYTES));
        for (let at = 0; at < size; at += BLOCK_BYTES) await file.write(block, 0, BLOCK_BYTES);
        this.#held = true;
      } finally {
        await file.close();
      }
    } catch {
      // There is no room to be spared; what was taken goes back.
      rmSync(this.#file, { force: true });
    } finally {
      this.#making = false;
    }
  }

  /** Gives the room back to the disk. */
  release(): void {
    this.#held = false;
    rmSync(this.#file, { force: true });
  }
}
