import { AtollError, errorText } from "../../shared/errors.js";
import { SNAPSHOT_KEEP_MS, SNAPSHOT_RETRY_MS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import { OutgoingImage } from "../backend/outgoing.js";
import type { MemberStorage } from "../backend/storage.js";
import { ImageChanged, type OutgoingSnapshot } from "../peer/snapshot-sender.js";
import type { Message, RawNode, SnapshotMetadata } from "../raft/index.js";

/** What sending snapshots needs of its member. */
export interface OutgoingSnapshotOptions {
  readonly storage: MemberStorage;
  readonly send: (to: number, snapshot: OutgoingSnapshot) => Promise<void>;
  /** Runs an input on the raft node. */
  readonly feed: (input: (raft: RawNode) => void) => void;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
  readonly log: Logger;
}

/**
 * Snapshots for members that fell behind the log: one image of the state database, sent to
 * one member at a time. It is kept until all who were to get it have it (for SNAPSHOT_KEEP_MS
 * at most), so that a transfer which broke off goes on where it ended, also when this
 * process has been restarted meanwhile.
 */
export class OutgoingSnapshots {
  readonly #options: OutgoingSnapshotOptions;
  readonly #image: OutgoingImage;
  /** Members that were to get the image and have not. */
  readonly #owed = new Set<number>();
  #sending: Promise<void> = Promise.resolve();
  #queued = 0;
  #usedMs: number;
  #transfer = new AbortController();
  /** Snapshots delivered, and transfers that failed, since the start. */
  delivered = 0;
  failed = 0;
  /** Bytes handed to connections; bytes that the other side had from an earlier transfer. */
  sentBytes = 0;
  resumedBytes = 0;
  /** Time in which transfers waited for the throttle. */
  throttledSeconds = 0;

  constructor(options: OutgoingSnapshotOptions) {
    this.#options = options;
    this.#image = new OutgoingImage(options.storage.outgoingFolder);
    this.#usedMs = options.nowMs();
  }

  /** Finds what a former life has kept. Before anything is queued. */
  start(): Promise<void> {
    return this.#image.find();
  }

  /** 1 while an image is on its way, or waits for its turn. */
  get underWay(): number {
    return this.#queued;
  }

  /** Position of the image that would be sent now; undefined when it is to be made first. */
  get position(): SnapshotMetadata | undefined {
    const { log } = this.#options.storage;
    const position = this.#image.kept?.position;
    // Who has it must find the next entries in the log.
    return position === undefined || position.index < log.base.index ? undefined : position;
  }

  /** Sends a snapshot where `message` wants one, after those that are under way. */
  queue(message: Message): void {
    this.#queued++;
    this.#owed.add(message.to);
    const { signal } = this.#transfer;
    this.#sending = this.#sending
      .then(() => this.#deliver(message, signal))
      .finally(() => {
        this.#queued--;
      });
  }

  async #deliver(message: Message, signal: AbortSignal): Promise<void> {
    const { feed, log } = this.#options;
    const to = message.to.toString(16);
    let delivered = false;
    try {
      await this.#send(message, to, signal);
      delivered = true;
      this.delivered++;
      this.#owed.delete(message.to);
    } catch (error) {
      this.failed++;
      const cause = error instanceof AtollError ? (error.cause ?? error) : error;
      log.warn({ to, reason: errorText(cause) }, "snapshot not delivered");
      if (error instanceof ImageChanged) await this.#image.drop();
    }
    this.#usedMs = this.#options.nowMs();
    const report = (): void => feed((raft) => raft.reportSnapshot(message.to, delivered));
    // Raft asks for another one at the next heartbeat: whoever declines is not to be pestered.
    if (delivered) report();
    else setTimeout(report, SNAPSHOT_RETRY_MS).unref();
    if (this.#owed.size === 0) await this.#image.drop();
  }

  async #send(message: Message, to: string, signal: AbortSignal): Promise<void> {
    const { storage, send, log } = this.#options;
    signal.throwIfAborted();
    // The image may be newer than what raft asked for, or an older one that the log goes on from.
    const manifest = await this.#image.provide(storage.log.base.index, (file) =>
      storage.backend.snapshotTo(file),
    );
    const { index } = manifest.position;
    log.info({ to, index, bytes: manifest.sizeBytes }, "sending a snapshot");
    await send(message.to, {
      file: this.#image.file,
      header: { term: message.term, manifest },
      signal,
      onResumed: (resumedBytes) => {
        this.resumedBytes += resumedBytes;
        log.info({ to, index, resumedBytes }, "resuming a snapshot");
      },
      onSent: (bytes, throttledSeconds) => {
        this.sentBytes += bytes;
        this.throttledSeconds += throttledSeconds;
      },
    });
    log.info({ to, index }, "snapshot delivered");
  }

  /** This member leads no more: what it sends would not be taken. */
  demote(): void {
    this.#transfer.abort();
    this.#transfer = new AbortController();
  }

  /** Drops an image that nobody came back for, or that the log does not go on from any more. */
  tick(): void {
    if (this.#queued > 0 || this.#image.kept === undefined) return;
    const idleMs = this.#options.nowMs() - this.#usedMs;
    if (idleMs < SNAPSHOT_KEEP_MS && this.position !== undefined) return;
    this.#owed.clear();
    this.#sending = this.#sending.then(() => this.#image.drop());
  }

  /** Resolves when nothing is being sent. */
  async idle(): Promise<void> {
    this.demote();
    await this.#sending;
  }
}
