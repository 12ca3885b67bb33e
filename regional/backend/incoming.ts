import { type FileHandle, open, rm } from "node:fs/promises";
import { AtollError, errorText } from "../../shared/errors.js";
import type { DataDirectory } from "../log/directory.js";
import { removeFiles } from "../log/durable-files.js";
import type { SnapshotMetadata } from "../raft/types.js";
import { runImageTask } from "./image.js";

/** A snapshot on its way in: its bytes go to a staging file of the data directory. */
export class IncomingSnapshot {
  readonly #directory: DataDirectory;
  readonly #handle: FileHandle;
  #received = 0;
  #open = true;

  private constructor(directory: DataDirectory, handle: FileHandle) {
    this.#directory = directory;
    this.#handle = handle;
  }

  /** Begins with an empty staging file. Rejects when the disk refuses. */
  static async begin(directory: DataDirectory): Promise<IncomingSnapshot> {
    const path = directory.incoming;
    try {
      removeFiles(directory.path, [path, `${path}-journal`]);
      return new IncomingSnapshot(directory, await open(path, "wx", 0o600));
    } catch (error) {
      throw stagingError(path, error);
    }
  }

  /** Bytes received so far. */
  get received(): number {
    return this.#received;
  }

  /** Appends a chunk. Rejects when the disk refuses. */
  async write(chunk: Uint8Array): Promise<void> {
    try {
      let written = 0;
      while (written < chunk.length) {
        const rest = chunk.length - written;
        const { bytesWritten } = await this.#handle.write(chunk, written, rest, null);
        written += bytesWritten;
      }
      this.#received += chunk.length;
    } catch (error) {
      throw stagingError(this.#directory.incoming, error);
    }
  }

  /**
   * Makes the bytes durable, verifies all of them (pages, records, format, cluster) and
   * makes the image this member's. Resolves with the position it stands at. Rejects naming
   * what is wrong.
   */
  async finish(): Promise<SnapshotMetadata> {
    const { incoming, identity } = this.#directory;
    try {
      await this.#handle.sync();
      await this.#close();
      const { position } = await runImageTask({ kind: "adopt", path: incoming, identity });
      return position;
    } catch (error) {
      throw stagingError(incoming, error);
    }
  }

  /** Drops the file. */
  async abort(): Promise<void> {
    await this.#close();
    await rm(this.#directory.incoming, { force: true });
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }
}

function stagingError(path: string, error: unknown): AtollError {
  if (error instanceof AtollError) return error;
  const full = error instanceof Error && "code" in error && error.code === "ENOSPC";
  return new AtollError(
    full ? "RESOURCE_EXHAUSTED" : "INTERNAL",
    `can't write the incoming snapshot ${path}: ${errorText(error)}`,
    { cause: error },
  );
}
