import { readFileSync } from "node:fs";
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { AtollError, errorText } from "../../shared/errors.js";
import type { DataDirectory } from "../log/directory.js";
import { removeFiles, replaceFile } from "../log/durable-files.js";
import type { SnapshotMetadata } from "../raft/types.js";
import { runImageTask } from "./image.js";
import { chunkLength, decodeManifest, encodeManifest, type SnapshotManifest } from "./manifest.js";

/**
 * A snapshot on its way in: its chunks go to a staging file of the data directory, beside
 * the manifest that they are checked against. What has come is kept when the transfer ends
 * early, and another one of the same snapshot goes on from there.
 */
export class IncomingSnapshot {
  readonly manifest: SnapshotManifest;
  /** Bytes that were there at the beginning: whole chunks, all as the manifest says. */
  readonly resumedBytes: number;
  readonly #directory: DataDirectory;
  readonly #handle: FileHandle;
  #chunks: number;
  #open = true;

  private constructor(
    directory: DataDirectory,
    manifest: SnapshotManifest,
    handle: FileHandle,
    chunks: number,
  ) {
    this.#directory = directory;
    this.manifest = manifest;
    this.#handle = handle;
    this.#chunks = chunks;
    this.resumedBytes = this.received;
  }

  /**
   * Goes on with the staging file if it is of this very snapshot, as far as its chunks are
   * what the manifest says; else begins an empty one. Rejects when the disk refuses.
   */
  static async begin(
    directory: DataDirectory,
    manifest: SnapshotManifest,
  ): Promise<IncomingSnapshot> {
    const { incoming, incomingManifest } = directory;
    try {
      const text = encodeManifest(manifest);
      if ((await textOf(incomingManifest)) !== text) {
        removeStaged(directory);
        replaceFile(incomingManifest, Buffer.from(text, "utf8"));
      }
      const handle = await openStaging(incoming);
      const chunks = await soundChunks(handle, manifest);
      await handle.truncate(Math.min(chunks * manifest.chunkBytes, manifest.sizeBytes));
      return new IncomingSnapshot(directory, manifest, handle, chunks);
    } catch (error) {
      throw stagingError(incoming, error);
    }
  }

  /** Bytes that are there so far. */
  get received(): number {
    const { chunkBytes, sizeBytes } = this.manifest;
    return Math.min(this.#chunks * chunkBytes, sizeBytes);
  }

  /**
   * Appends the next chunk. Rejects with DATA_LOSS when it is not what the manifest says,
   * and when the disk refuses.
   */
  async write(chunk: Uint8Array): Promise<void> {
    const expected = chunkLength(this.manifest, this.#chunks);
    if (chunk.length !== expected || expected === 0) {
      throw new AtollError(
        "DATA_LOSS",
        `chunk ${this.#chunks} of the snapshot has ${chunk.length} bytes, not ${expected}`,
      );
    }
    if (crc32(chunk) !== this.manifest.checksums[this.#chunks]) {
      throw new AtollError(
        "DATA_LOSS",
        `chunk ${this.#chunks} of the snapshot doesn't match its checksum`,
      );
    }
    try {
      let written = 0;
      const at = this.received;
      while (written < chunk.length) {
        const rest = chunk.length - written;
        const { bytesWritten } = await this.#handle.write(chunk, written, rest, at + written);
        written += bytesWritten;
      }
      this.#chunks++;
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
    const { path, incoming, incomingManifest, identity } = this.#directory;
    try {
      await this.#handle.sync();
      await this.close();
      // From here on the file is no longer what was sent.
      removeFiles(path, [incomingManifest]);
      const { position } = await runImageTask({ kind: "adopt", path: incoming, identity });
      return position;
    } catch (error) {
      throw stagingError(incoming, error);
    }
  }

  /** Ends the transfer and keeps what has come. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }

  /** Ends the transfer and drops what has come. */
  async abort(): Promise<void> {
    await this.close();
    const { incoming, incomingManifest } = this.#directory;
    await rm(incomingManifest, { force: true });
    await rm(incoming, { force: true });
  }
}

/** Index of the snapshot that is staged in part; undefined if there is none. */
export function stagedIndex({ incomingManifest }: DataDirectory): number | undefined {
  try {
    const text = readFileSync(incomingManifest, "utf8");
    return decodeManifest(text, incomingManifest).position.index;
  } catch {
    return undefined;
  }
}

/** Removes a staged snapshot, whole or not. */
export function removeStaged({ path, incoming, incomingManifest }: DataDirectory): void {
  removeFiles(path, [incomingManifest, incoming, `${incoming}-journal`]);
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Opens the staging file for reading and writing, without losing what is in it. */
async function openStaging(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch {
    return open(path, "wx+", 0o600);
  }
}

/** How many chunks from the beginning on are there and sound. */
async function soundChunks(handle: FileHandle, manifest: SnapshotManifest): Promise<number> {
  const { chunkBytes, checksums } = manifest;
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, manifest.sizeBytes));
  for (let i = 0; i < checksums.length; i++) {
    const length = chunkLength(manifest, i);
    const { bytesRead } = await handle.read(buffer, 0, length, i * chunkBytes);
    if (bytesRead !== length || crc32(buffer.subarray(0, length)) !== checksums[i]) return i;
  }
  return checksums.length;
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
