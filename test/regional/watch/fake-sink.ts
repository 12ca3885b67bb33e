import type { WatchSink } from "../../../regional/watch/contract.js";
import type { WatchEvent } from "../../../regional/watch/event.js";

/** What one watcher was told. */
export interface Told {
  readonly events: { key: string; modRevision: number; isDelete: boolean }[];
  /** Revisions of its messages that were not a part of a larger one. */
  readonly messages: number[][];
  compacted: number | undefined;
}

/** A peer that keeps all that it is told, and may be made slow. */
export class FakeSink implements WatchSink {
  readonly told = new Map<bigint, Told>();
  readonly progressAt: { id: bigint; revision: number }[] = [];
  slow = false;
  /** Messages that came while the peer was slow and its slowness had been said. */
  unwanted = 0;
  #saidSlow = false;

  of(id: bigint): Told {
    let told = this.told.get(id);
    if (told === undefined) {
      told = { events: [], messages: [], compacted: undefined };
      this.told.set(id, told);
    }
    return told;
  }

  #answer(): boolean {
    if (this.#saidSlow) this.unwanted += 1;
    this.#saidSlow = this.slow;
    return !this.slow;
  }

  /** The peer takes messages again. */
  recover(): void {
    this.slow = false;
    this.#saidSlow = false;
  }

  events(
    id: bigint,
    _revision: number,
    events: readonly WatchEvent[],
    _prevKv: boolean,
    fragment: boolean,
  ): boolean {
    const told = this.of(id);
    for (const { row } of events) {
      told.events.push({ key: row.key, modRevision: row.modRevision, isDelete: row.version === 0 });
    }
    if (!fragment) told.messages.push(events.map(({ row }) => row.modRevision));
    return fragment ? !this.slow : this.#answer();
  }

  progress(id: bigint, revision: number): boolean {
    this.progressAt.push({ id, revision });
    return this.#answer();
  }

  compacted(id: bigint, _revision: number, compactRevision: number): boolean {
    this.of(id).compacted = compactRevision;
    return this.#answer();
  }
}
