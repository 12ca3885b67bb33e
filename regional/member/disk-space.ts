import { statfs } from "node:fs/promises";
import {
  DISK_RESERVE_BYTES,
  DISK_RESERVE_PART,
  DISK_RESUME_RESERVES,
} from "../../shared/limits.js";

/** Bytes of a file system. */
export interface FileSystemSize {
  readonly total: number;
  /** What this process may still take of it. */
  readonly free: number;
}

/** The file system that a path lies on. Rejects when it can't be asked. */
export async function fileSystemSize(path: string): Promise<FileSystemSize> {
  const { bsize, blocks, bavail } = await statfs(path);
  return { total: blocks * bsize, free: bavail * bsize };
}

/**
 * Whether there is too little room for writes that make the data grow: deletions,
 * compactions and what the log needs for them must still find some. Freed pages of the
 * state database count as room, as far as half of the reserve is really free.
 *
 * @param low what it was before: room must be plentiful again for it to end
 */
export function isLow({ total, free }: FileSystemSize, reusable: number, low: boolean): boolean {
  const reserve = Math.min(DISK_RESERVE_BYTES, total * DISK_RESERVE_PART);
  const wanted = low ? reserve * DISK_RESUME_RESERVES : reserve;
  return free < wanted / 2 || free + reusable < wanted;
}

/** Looks at the room on a disk, one look at a time, off the event loop. */
export class DiskSpace {
  readonly #path: string;
  readonly #measure: (path: string) => Promise<FileSystemSize>;
  #looking = false;
  #size: FileSystemSize | undefined;
  #low = false;

  constructor(path: string, measure = fileSystemSize) {
    this.#path = path;
    this.#measure = measure;
  }

  /** Bytes that are free as of the last look; undefined before the first. */
  get free(): number | undefined {
    return this.#size?.free;
  }

  /** Bytes of the whole disk as of the last look; undefined before the first. */
  get total(): number | undefined {
    return this.#size?.total;
  }

  /** Whether the last look found too little room. */
  get low(): boolean {
    return this.#low;
  }

  /**
   * Begins a look, unless one is under way; a disk that hangs is the log's to find out.
   * @param reusable bytes of the data that may be written again
   */
  look(reusable: number): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#measure(this.#path).then(
      (size) => {
        this.#looking = false;
        this.#size = size;
        this.#low = isLow(size, reusable, this.#low);
      },
      () => {
        // Unknown: a disk that can't be asked isn't a full one.
        this.#looking = false;
        this.#size = undefined;
        this.#low = false;
      },
    );
  }
}
