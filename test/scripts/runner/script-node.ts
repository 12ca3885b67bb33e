import {
  decodeConfChange,
  type Entry,
  EntryType,
  type Message,
  type RaftConfig,
  RawNode,
  type Ready,
} from "../../../regional/raft/index.js";
import type { ScriptStorage } from "./script-storage.js";

/** What a script says of a node; id and storage are added. */
export type NodeSettings = Omit<RaftConfig, "id" | "storage" | "applied">;

/**
 * A node of a script: the real core over a storage in memory, driven by hand. With
 * asynchronous storage, what its append and apply threads have still to do waits in lists.
 */
export class ScriptNode {
  readonly id: number;
  readonly settings: NodeSettings;
  readonly storage: ScriptStorage;
  raft: RawNode;
  appendWork: Message[] = [];
  applyWork: Message[] = [];

  constructor(id: number, settings: NodeSettings, storage: ScriptStorage) {
    this.id = id;
    this.settings = settings;
    this.storage = storage;
    this.raft = this.#start();
  }

  /** Ends the node's life and begins another with what is in storage. */
  restart(): void {
    this.appendWork = [];
    this.applyWork = [];
    this.raft = this.#start();
  }

  /** Carries out a Ready; returns the messages that go to nodes. */
  handle(ready: Ready): readonly Message[] {
    if (this.settings.asyncStorageWrites === true) {
      if (ready.storageAppend !== null) this.appendWork.push(ready.storageAppend);
      if (ready.storageApply !== null) this.applyWork.push(ready.storageApply);
      return ready.messages;
    }
    this.storage.write(ready.hardState, ready.snapshot, ready.entries);
    this.#apply(ready.committedEntries);
    this.raft.advance();
    return ready.messages;
  }

  /** Does the append thread's next piece of work; undefined if there is none. */
  append(): Message | undefined {
    const work = this.appendWork.shift();
    if (work !== undefined) this.storage.write(work.hardState, work.snapshot, work.entries);
    return work;
  }

  /** Does the apply thread's next piece of work; undefined if there is none. */
  apply(): Message | undefined {
    const work = this.applyWork.shift();
    if (work !== undefined) this.#apply(work.entries);
    return work;
  }

  #start(): RawNode {
    const applied = this.storage.snapshot().metadata.index;
    return new RawNode({ ...this.settings, id: this.id, storage: this.storage, applied });
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.type === EntryType.normal) {
        this.storage.apply(entry, entry.data, null);
        continue;
      }
      const change = decodeConfChange(entry);
      const confState = this.raft.applyConfChange(change, entry.index);
      this.storage.apply(entry, change.context, confState);
    }
  }
}
