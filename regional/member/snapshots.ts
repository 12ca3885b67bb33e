import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AtollError, errorText } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { MemberStorage } from "../backend/storage.js";
import type { SnapshotHeader } from "../peer/snapshot-header.js";
import type { SnapshotSink } from "../peer/snapshot-receiver.js";
import {
  type Message,
  MessageType,
  makeMessage,
  type RawNode,
  type SnapshotMetadata,
} from "../raft/index.js";

const NO_DATA = new Uint8Array(0);

/** What snapshots need of their member. */
export interface SnapshotOptions {
  readonly self: number;
  /** The data directory. */
  readonly dataDir: string;
  readonly storage: MemberStorage;
  readonly send: (to: number, file: string, header: SnapshotHeader) => Promise<void>;
  /** Runs an input on the raft node. */
  readonly feed: (input: (raft: RawNode) => void) => void;
  /** Index of the last entry known to be committed. */
  readonly commit: () => number;
  /** The state database is a new one: loads the state from it and goes on with that. */
  readonly reload: () => Promise<void>;
  readonly log: Logger;
}

/**
 * Snapshots for members that fell behind the log: an image of the state database,
 * made and sent one at a time, and taken in by way of a staging file.
 */
export class Snapshots {
  readonly #options: SnapshotOptions;
  readonly #folder: string;
  #sending: Promise<void> = Promise.resolve();
  #sent = 0;
  #installing: SnapshotMetadata | undefined;
  /** Snapshots delivered and installed since the start. */
  delivered = 0;
  installed = 0;

  constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#folder = join(options.dataDir, "outgoing");
  }

  /** Removes images that a former life left behind. */
  async clean(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Sends a snapshot where `message` wants one, after those that are under way. */
  queue(message: Message): void {
    this.#sending = this.#sending.then(() => this.#deliver(message));
  }

  async #deliver(message: Message): Promise<void> {
    const { storage, send, feed, log } = this.#options;
    const file = join(this.#folder, `${this.#sent++}.db`);
    const to = message.to.toString(16);
    let delivered = false;
    try {
      await mkdir(this.#folder, { recursive: true });
      // The image may be newer than what raft asked for; it never is older.
      const image = await storage.backend.snapshotTo(file);
      const { index } = image.position;
      log.info({ to, index, bytes: image.bytes }, "sending a snapshot");
      await send(message.to, file, {
        term: message.term,
        sizeBytes: image.bytes,
        metadata: image.position,
      });
      delivered = true;
      this.delivered++;
      log.info({ to, index }, "snapshot delivered");
    } catch (error) {
      const cause = error instanceof AtollError ? error.cause : error;
      log.warn({ to, reason: errorText(cause ?? error) }, "snapshot not delivered");
    } finally {
      feed((raft) => raft.reportSnapshot(message.to, delivered));
      await rm(file, { force: true });
    }
  }

  /** Opens the staging file for a snapshot that a member offers; rejects what isn't needed. */
  async intake(from: number, header: SnapshotHeader): Promise<SnapshotSink> {
    const { storage, commit, log } = this.#options;
    const { index, term } = header.metadata;
    if (this.#installing !== undefined) throw new Error("another snapshot is being installed");
    if (index <= commit()) throw new Error(`not needed: committed through ${commit()} already`);
    log.info({ from: from.toString(16), index, bytes: header.sizeBytes }, "receiving a snapshot");
    const incoming = await storage.receive();
    return {
      write: (chunk) => incoming.write(chunk),
      abort: () => incoming.abort(),
      finish: async () => {
        const position = await incoming.finish();
        if (position.index !== index || position.term !== term) {
          await incoming.abort();
          throw new Error(`the image stands at ${position.index}, not at ${index}`);
        }
        if (!(await this.#offer(from, header.term, position))) {
          await incoming.abort();
          throw new Error("not needed any more");
        }
      },
    };
  }

  /** Offers a staged snapshot to raft; true if raft takes it, which shows in the same turn. */
  async #offer(from: number, term: number, metadata: SnapshotMetadata): Promise<boolean> {
    const { self, feed } = this.#options;
    const snapshot = { data: NO_DATA, metadata };
    feed((raft) =>
      raft.step(makeMessage({ type: MessageType.snap, to: self, from, term, snapshot })),
    );
    await new Promise((resolve) => setImmediate(resolve));
    return this.#installing?.index === metadata.index;
  }

  /** Replaces log and state by the staged snapshot, as raft has decided. */
  async install(message: Message): Promise<void> {
    const { storage, reload, log } = this.#options;
    const metadata = message.snapshot?.metadata;
    if (metadata === undefined) throw new Error("raft wants to install no snapshot");
    this.#installing = metadata;
    try {
      await storage.install(metadata);
      await reload();
    } finally {
      this.#installing = undefined;
    }
    this.installed++;
    log.info({ index: metadata.index, term: metadata.term }, "snapshot installed");
  }

  /** Resolves when nothing is being sent. */
  async idle(): Promise<void> {
    await this.#sending;
  }
}
