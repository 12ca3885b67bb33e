import { toBinaryKey } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import { LINEAGE_KEY } from "../../shared/etcd/keys.js";
import type { WatchEvent, WatchMessage } from "../../shared/etcd/watch.js";
import type { SourceEvent } from "./types.js";

/** All changes up to a revision. */
export interface Sequence {
  readonly revision: number;
  readonly events: readonly SourceEvent[];
}

/**
 * Turns a watch stream's messages into whole revisions, and sees to it that none is
 * missing: revisions only rise, none comes from before what was said to be complete,
 * and each write of the lineage key carries the version after the last one's, so that
 * a hole that takes in one of them (they come each second) shows.
 */
export class Sequencer {
  #position: number;
  /** Events of a revision that may not be complete. */
  #open: SourceEvent[] = [];
  /** Writes of the lineage key since it was created, as of the position. */
  #lineageVersion: number;
  /** The same, of events that may not be complete. */
  #openLineage: { readonly version: number; readonly modRevision: number }[] = [];

  /** `lineageVersion` is the lineage key's version at the position; 0 when it isn't there. */
  constructor(position: number, lineageVersion: number) {
    this.#position = position;
    this.#lineageVersion = lineageVersion;
  }

  /** Everything up to it was given out. */
  get position(): number {
    return this.#position;
  }

  /** A stream begins at the position; what was incomplete comes again. */
  restart(): void {
    this.#open = [];
    this.#openLineage = [];
  }

  /**
   * Takes a message; gives what it completes. `trustsStream` says that answers to
   * progress requests don't run ahead. Throws DATA_LOSS when something is missing.
   */
  accept(message: WatchMessage, trustsStream: boolean): Sequence | undefined {
    if (message.events.length === 0) {
      if (message.created || (message.forStream && !trustsStream)) return undefined;
      return this.#open.length === 0 ? this.#complete(message.header.revision, []) : undefined;
    }
    const events = this.#open;
    this.#open = [];
    for (const event of message.events) events.push(this.#check(event, events.at(-1)));
    const newest = (events.at(-1) as SourceEvent).modRevision;
    if (!message.fragment) return this.#complete(newest, events);
    // The newest revision may go on in the next message.
    const split = events.findIndex((event) => event.modRevision === newest);
    this.#open = events.splice(split);
    return this.#complete(events.at(-1)?.modRevision ?? this.#position, events);
  }

  #complete(revision: number, events: readonly SourceEvent[]): Sequence | undefined {
    if (revision <= this.#position) return undefined;
    while ((this.#openLineage[0]?.modRevision ?? Number.POSITIVE_INFINITY) <= revision) {
      const { version, modRevision } = this.#openLineage.shift() as {
        version: number;
        modRevision: number;
      };
      this.#checkLineage(version, modRevision);
    }
    this.#position = revision;
    return { revision, events };
  }

  #check({ type, kv }: WatchEvent, before: SourceEvent | undefined): SourceEvent {
    const key = toBinaryKey(kv.key);
    const { modRevision } = kv;
    if (modRevision <= this.#position || modRevision < (before?.modRevision ?? 0)) {
      throw gap(
        `an event of revision ${modRevision} came after ${before?.modRevision ?? this.#position}`,
      );
    }
    const isThere = type === "put";
    if (key === LINEAGE_KEY) {
      this.#openLineage.push({ version: isThere ? kv.version : 0, modRevision });
    }
    return { key, value: isThere ? kv.value : undefined, modRevision };
  }

  /** A deletion may come after any version, and the first one after a deletion is 1. */
  #checkLineage(version: number, modRevision: number): void {
    const last = this.#lineageVersion;
    this.#lineageVersion = version;
    if (version === 0 || version === last + 1) return;
    throw gap(`version ${version} of ${LINEAGE_KEY} at revision ${modRevision} came after ${last}`);
  }
}

function gap(what: string): AtollError {
  return new AtollError("DATA_LOSS", `the watch left something out: ${what}`);
}
