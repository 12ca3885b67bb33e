import { AtollError } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { IncomingSnapshot } from "../backend/incoming.js";
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

/** What taking in snapshots needs of its member. */
export interface IncomingSnapshotOptions {
  readonly self: number;
  readonly storage: MemberStorage;
  /** Runs an input on the raft node. */
  readonly feed: (input: (raft: RawNode) => void) => void;
  /** Index of the last entry known to be committed. */
  readonly commit: () => number;
  /** The raft term. */
  readonly term: () => number;
  /** The state database is a new one: loads the state from it and goes on with that. */
  readonly reload: () => Promise<void>;
  readonly log: Logger;
}

/** A transfer under way; a later one may take its place. */
interface Intake {
  readonly incoming: IncomingSnapshot;
  finishing: boolean;
}

/**
 * Takes in snapshots, one at a time, by way of a staging file, which is kept when a transfer
 * breaks off: the next one of the same snapshot goes on from there, after a restart too.
 */
export class IncomingSnapshots {
  readonly #options: IncomingSnapshotOptions;
  /** Beginnings of transfers, one after the other. */
  #beginning: Promise<unknown> = Promise.resolve();
  #intake: Intake | undefined;
  #installing: SnapshotMetadata | undefined;
  /** Index of a snapshot that is staged in part and may be resumed. */
  #stagedIndex: number | undefined;
  /** Snapshots installed since the start. */
  installed = 0;
  /** Bytes received; bytes that an earlier transfer had brought already. */
  receivedBytes = 0;
  resumedBytes = 0;

  constructor(options: IncomingSnapshotOptions) {
    this.#options = options;
    this.#stagedIndex = options.storage.stagedIndex();
  }

  /** 1 while a snapshot is coming in. */
  get underWay(): number {
    return this.#intake === undefined ? 0 : 1;
  }

  /**
   * Opens the staging file for a snapshot that a member offers, and goes on with what is in
   * it already; rejects what isn't needed. A transfer that was under way has been given up
   * by its sender, or its sender has been deposed: it ends.
   */
  intake(from: number, header: SnapshotHeader): Promise<SnapshotSink> {
    const begun = this.#beginning.then(() => this.#begin(from, header));
    this.#beginning = begun.catch(() => undefined);
    return begun;
  }

  async #begin(from: number, header: SnapshotHeader): Promise<SnapshotSink> {
    const { storage, commit, term, log } = this.#options;
    const { position, sizeBytes } = header.manifest;
    const { index } = position;
    if (header.term < term()) throw new Error(`term ${header.term} is over: it is ${term()} now`);
    if (this.#installing !== undefined || this.#intake?.finishing) {
      throw new Error("another snapshot is being installed");
    }
    if (index <= commit()) throw new Error(`not needed: committed through ${commit()} already`);
    await this.#intake?.incoming.close();
    this.#intake = undefined;
    const incoming = await storage.receive(header.manifest);
    const { resumedBytes } = incoming;
    const intake: Intake = { incoming, finishing: false };
    this.#intake = intake;
    this.#stagedIndex = index;
    this.resumedBytes += resumedBytes;
    const member = from.toString(16);
    log.info({ from: member, index, bytes: sizeBytes, resumedBytes }, "receiving a snapshot");
    return {
      resumedBytes,
      write: (chunk) => this.#write(intake, chunk),
      finish: () => this.#finish(intake, from, header),
      close: async () => {
        if (this.#intake === intake) this.#intake = undefined;
        await incoming.close();
      },
    };
  }

  #stillWanted(intake: Intake): void {
    if (this.#intake !== intake) throw new Error("another transfer has taken its place");
  }

  async #write(intake: Intake, chunk: Uint8Array): Promise<void> {
    this.#stillWanted(intake);
    this.receivedBytes += chunk.length;
    try {
      await intake.incoming.write(chunk);
    } catch (error) {
      // On a full disk the member itself needs the room more.
      const full = error instanceof AtollError && error.code === "RESOURCE_EXHAUSTED";
      if (full && this.#intake === intake) await this.#drop(intake);
      throw error;
    }
  }

  async #finish(intake: Intake, from: number, header: SnapshotHeader): Promise<void> {
    this.#stillWanted(intake);
    intake.finishing = true;
    const { index, term } = header.manifest.position;
    try {
      const position = await intake.incoming.finish();
      if (position.index !== index || position.term !== term) {
        throw new Error(`the image stands at ${position.index}, not at ${index}`);
      }
      if (!(await this.#offer(from, header.term, position))) {
        throw new Error("not needed any more");
      }
      this.#stagedIndex = undefined;
    } catch (error) {
      await this.#drop(intake);
      throw error;
    } finally {
      intake.finishing = false;
    }
  }

  async #drop(intake: Intake): Promise<void> {
    this.#stagedIndex = undefined;
    await intake.incoming.abort();
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

  /** Drops a part of a snapshot that this member has overtaken by way of the log. */
  tick(): void {
    if (this.#intake !== undefined || this.#installing !== undefined) return;
    if (this.#stagedIndex === undefined || this.#stagedIndex > this.#options.commit()) return;
    this.#stagedIndex = undefined;
    this.#options.storage.dropReceived();
  }
}
