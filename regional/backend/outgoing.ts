import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../log/durable-files.js";
import type { BackendImage } from "./image.js";
import { decodeManifest, encodeManifest, type SnapshotManifest } from "./manifest.js";

/** Writes an image of the state to a file that isn't there. */
export type MakeImage = (file: string) => Promise<BackendImage>;

/**
 * The image of the state that is sent to members which fell behind: one at a time, kept
 * with its manifest until it is dropped, so that a transfer can be resumed, by a restarted
 * process too.
 */
export class OutgoingImage {
  readonly file: string;
  readonly #folder: string;
  readonly #manifestFile: string;
  #kept: SnapshotManifest | undefined;

  /** @param folder its own; made when there is something to keep */
  constructor(folder: string) {
    this.#folder = folder;
    this.file = join(folder, "image.db");
    this.#manifestFile = join(folder, "image.json");
  }

  /** Finds the image that a former life has kept; clears away anything else. */
  async find(): Promise<void> {
    try {
      const text = await readFile(this.#manifestFile, "utf8");
      const manifest = decodeManifest(text, this.#manifestFile);
      const { size } = await stat(this.file);
      if (size === manifest.sizeBytes) this.#kept = manifest;
    } catch {
      // Not there, or not whole: of no use.
    }
    if (this.#kept === undefined) await this.drop();
  }

  /** The manifest of the image that is there. */
  get kept(): SnapshotManifest | undefined {
    return this.#kept;
  }

  /**
   * Gives an image whose position is at `leastIndex` or after: the one that is there, or a
   * new one. Rejects naming the file when it can't be made.
   */
  async provide(leastIndex: number, make: MakeImage): Promise<SnapshotManifest> {
    if (this.#kept !== undefined && this.#kept.position.index >= leastIndex) return this.#kept;
    await this.drop();
    await mkdir(this.#folder, { recursive: true });
    try {
      const { bytes, chunkBytes, position, checksums } = await make(this.file);
      const manifest = { sizeBytes: bytes, chunkBytes, position, checksums };
      replaceFile(this.#manifestFile, Buffer.from(encodeManifest(manifest), "utf8"));
      this.#kept = manifest;
      return manifest;
    } catch (error) {
      // What there is of it may be all that the disk had room for.
      await this.drop();
      throw error;
    }
  }

  /** Removes what is there. */
  async drop(): Promise<void> {
    this.#kept = undefined;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
