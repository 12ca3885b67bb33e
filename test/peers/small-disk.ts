import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What a program is started by so that it sees a small disk of its own (a tmpfs in a mount
 * namespace, gone when it ends) at `folder`, which must be there. Works as any user where
 * user namespaces do.
 */
export function onSmallDisk(folder: string, megabytes: number): readonly string[] {
  const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "$0" && exec "$@"`;
  return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, folder];
}

const BLOCK_BYTES = 64 * 1024;

/** Fills a disk to the last byte, by a file of its own. */
export class Ballast {
  readonly #folder: string;
  readonly #file: string;

  /** @param folder on the disk; that of another process is found under /proc/PID/root */
  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, "ballast");
  }

  /** Adds so many bytes; as many as there is room for by default. */
  add(bytes = Number.POSITIVE_INFINITY): void {
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let size = BLOCK_BYTES, left = bytes; left > 0; ) {
      const part = Math.min(size, left);
      try {
        writeFileSync(this.#file, block.subarray(0, part), { flag: "a" });
        left -= part;
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
        if (size === 1) return;
        size = Math.max(1, Math.floor(size / 2));
      }
    }
  }

  /** The path of another file of that folder. */
  beside(name: string): string {
    return join(this.#folder, name);
  }

  /** Gives the room back. */
  drop(): void {
    rmSync(this.#file, { force: true });
  }
}
