import {
  MESH_CHUNK_BYTES,
  MESH_FRAME_TARGET_BYTES,
  MESH_PING_STANDINGS,
  MESH_VECTOR_CLAIMS,
} from "../../../shared/limits.js";
import type { Transfer } from "../../digest/delta.js";
import type { GlobalState } from "../../digest/global-state.js";
import {
  type Section,
  type SectionClaim,
  type SectionId,
  sectionKey,
} from "../../digest/section.js";
import { compareVersions, sameLine, type Version } from "../../digest/version.js";
import { encodeDifference, encodeTransfer } from "../../digest/wire-transfer.js";
import { Flights, memoryOf } from "./flights.js";
import { FrameWriter } from "./frame-writer.js";
import type { Now } from "./now.js";
import type { Standing } from "./standing.js";

/** What an outbox asks of the gateway that it is part of. */
export interface OutboxSource {
  readonly state: GlobalState;
  standing(region: string, now: Now): Standing | undefined;
  /** Shortest time between two pushes. */
  readonly pushIntervalMs: number;
}

/**
 * What one stream still owes its receiver. Never a queue: it keeps which sections
 * moved and the version that the receiver stands at, and reads the state when it may
 * send, so a slow receiver gets the latest state and costs no memory.
 */
export class Outbox {
  readonly #source: OutboxSource;
  #interest: ReadonlySet<string> = new Set();
  /** Whose standings the next pings are answered with. */
  #turn: Iterator<string> = this.#interest.values();
  /** Versions that the receiver has or will have by what was sent. */
  readonly #cursors = new Map<string, Version>();
  /** Sections as this stream brought them last: what differences are told from. */
  readonly #bases = new Map<string, Section>();
  readonly #dirty = new Map<string, SectionId>();
  readonly #flights = new Flights();
  /** Regions whose standing the receiver is due. */
  readonly #standings = new Set<string>();
  /** Encoded messages that go first, by what they tell; a later one takes its place. */
  readonly #extras = new Map<string, Uint8Array>();
  /** Roots of the sections as they were last sent. */
  readonly #roots = new Map<string, string>();
  /** Something that moved has other content than was sent, not just a later revision. */
  #hasNews = false;
  #lastPushMs = Number.NEGATIVE_INFINITY;
  #lastNewsMs = Number.NEGATIVE_INFINITY;
  #pingStamp: number | undefined;
  /** The newest ping is still to be answered, if only to measure the round trip. */
  #owesEcho = false;
  /** The last frame was full before all that moved was in it. */
  #isCutShort = false;
  /** The transport takes no more for now. */
  blocked = false;

  constructor(source: OutboxSource) {
    this.#source = source;
  }

  /** Regions that are pushed. */
  get interest(): ReadonlySet<string> {
    return this.#interest;
  }

  /**
   * The receiver says what it wants pushed, and what it has of regions new among these;
   * what it doesn't name it doesn't have.
   */
  setInterest(regions: ReadonlySet<string>, held: readonly SectionClaim[]): void {
    const before = this.#interest;
    this.#interest = regions;
    this.#turn = regions.values();
    for (const [key, { region }] of this.#dirty) {
      if (before.has(region) && !regions.has(region)) this.#dirty.delete(key);
    }
    for (const region of regions) {
      if (!before.has(region)) this.#forgetCursors(region, () => true);
    }
    this.#note(held, (region) => regions.has(region) && !before.has(region));
    for (const region of regions) {
      if (before.has(region)) continue;
      this.#owe(region, () => true);
    }
  }

  /** The receiver misses sections of a region; what it doesn't hold comes whole. */
  pull(region: string, summaries: ReadonlySet<string>, held: readonly SectionClaim[]): void {
    const asked = (summary: string): boolean => summaries.size === 0 || summaries.has(summary);
    this.#forgetCursors(region, asked);
    this.#note(held, (name, summary) => name === region && asked(summary));
    this.#owe(region, asked);
  }

  /** A section of the state moved. */
  moved(id: SectionId): void {
    if (!this.#interest.has(id.region)) return;
    const key = sectionKey(id);
    this.#dirty.set(key, id);
    if (this.#source.state.section(id)?.root !== this.#roots.get(key)) this.#hasNews = true;
  }

  /** The receiver has shown that it has this version. */
  holds(id: SectionId, version: Version): void {
    const key = sectionKey(id);
    const cursor = this.#cursors.get(key);
    if (cursor === undefined || compareVersions(version, cursor) > 0) {
      this.#cursors.set(key, version);
    }
  }

  /** A ping came: it is answered with the standings of what is pushed, of much in turn. */
  pinged(stampMs: number): void {
    this.#pingStamp = stampMs;
    this.#owesEcho = true;
    for (let left = Math.min(MESH_PING_STANDINGS, this.#interest.size); left > 0; left--) {
      let next = this.#turn.next();
      if (next.done === true) {
        this.#turn = this.#interest.values();
        next = this.#turn.next();
      }
      if (next.done !== true) this.#standings.add(next.value);
    }
  }

  /** Also says where this gateway stands with these regions, with the next frame. */
  announce(regions: Iterable<string>): void {
    for (const region of regions) this.#standings.add(region);
  }

  /**
   * Also sends an encoded SyncResponse, with the next frame. Of those that tell of the
   * same thing only the newest is kept, so that a slow receiver costs no queue.
   */
  enclose(what: string, encoded: Uint8Array): void {
    this.#extras.set(what, encoded);
  }

  /** When a frame is due, on the monotonic clock; Infinity when there is nothing to send. */
  dueMs(): number {
    if (this.blocked) return Number.POSITIVE_INFINITY;
    if (this.#flights.size + this.#extras.size > 0 || this.#isCutShort) {
      return Number.NEGATIVE_INFINITY;
    }
    if (this.#dirty.size > 0) return this.#pushDueMs();
    const isTold = this.#standings.size === 0 && !this.#owesEcho;
    return isTold ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  /** The next frame, an encoded SyncResponse; undefined when none is due. */
  frame(now: Now): Uint8Array | undefined {
    if (this.dueMs() > now.monotonicMs) return undefined;
    const frame = new FrameWriter();
    for (const [what, encoded] of this.#extras) {
      if (frame.size >= MESH_FRAME_TARGET_BYTES) break;
      frame.encoded(encoded);
      this.#extras.delete(what);
    }
    const isPushDue = now.monotonicMs >= this.#pushDueMs();
    if (this.#dirty.size > 0 && (isPushDue || this.#isCutShort)) this.#takeOff(frame, now);
    this.#flights.carryOn(frame, ({ region }) => this.#standings.add(region));
    this.#report(frame, now);
    return frame.isEmpty ? undefined : frame.finish();
  }

  /**
   * News need not wait for the interval after a push that only told of a later
   * revision: a region's revision rises each second, with nothing to see in it.
   */
  #pushDueMs(): number {
    return (this.#hasNews ? this.#lastNewsMs : this.#lastPushMs) + this.#source.pushIntervalMs;
  }

  #forgetCursors(region: string, isAsked: (summary: string) => boolean): void {
    for (const { id } of this.#source.state.region(region)?.sections() ?? []) {
      if (!isAsked(id.summary)) continue;
      this.#cursors.delete(sectionKey(id));
      this.#bases.delete(sectionKey(id));
    }
  }

  #note(held: readonly SectionClaim[], isWanted: (region: string, summary: string) => boolean) {
    for (const { id, version } of held) {
      if (!isWanted(id.region, id.summary)) continue;
      // What isn't here may come later, but not any number of it.
      const isHere = this.#source.state.section(id) !== undefined;
      if (!isHere && this.#cursors.size >= MESH_VECTOR_CLAIMS) continue;
      this.#cursors.set(sectionKey(id), version);
    }
  }

  #owe(region: string, isAsked: (summary: string) => boolean): void {
    for (const { id } of this.#source.state.region(region)?.sections() ?? []) {
      if (!isAsked(id.summary)) continue;
      this.#dirty.set(sectionKey(id), id);
      this.#hasNews = true;
    }
    this.#standings.add(region);
  }

  /** Fills the frame with what moved, from the state as it is now. */
  #takeOff(frame: FrameWriter, now: Now): void {
    this.#isCutShort = false;
    this.#lastPushMs = now.monotonicMs;
    if (this.#hasNews) this.#lastNewsMs = now.monotonicMs;
    this.#hasNews = false;
    for (const [key, id] of this.#dirty) {
      if (frame.size >= MESH_FRAME_TARGET_BYTES) {
        this.#isCutShort = true;
        return;
      }
      // A section's news begin only when its last are gone.
      if (this.#flights.has(key)) continue;
      const section = this.#source.state.section(id);
      const transfer = this.#source.state.transferSince(id, this.#cursors.get(key));
      if (transfer === undefined || section === undefined) {
        this.#dirty.delete(key);
        continue;
      }
      const memory = memoryOf(transfer, section);
      // What may take several frames waits until the receiver has room for it.
      if (memory >= MESH_CHUNK_BYTES && !this.#flights.hasRoom(memory)) continue;
      this.#dirty.delete(key);
      const chunks = this.#encode(key, transfer);
      this.#cursors.set(key, transfer.to);
      this.#roots.set(key, transfer.root);
      const word = this.#source.state.words.of(id);
      frame.chunk(chunks[0] as Uint8Array);
      if (chunks.length > 1) this.#flights.add(key, { id, chunks, word, memory });
      else if (word !== undefined) frame.attestation(word);
      this.#standings.add(id.region);
    }
  }

  /**
   * By differences where the stream brought the section to exactly the revision that the
   * transfer is from, else absolute; the next one may be told from what this one leads to.
   */
  #encode(key: string, transfer: Transfer): readonly Uint8Array[] {
    const base = this.#bases.get(key);
    const section = this.#source.state.section(transfer.id);
    if (section !== undefined) this.#bases.set(key, section);
    if (transfer.kind === "whole" || base === undefined) return encodeTransfer(transfer);
    const { to, from } = transfer;
    if (base.version.revision !== from || !sameLine(base.version, to)) {
      return encodeTransfer(transfer);
    }
    const difference = encodeDifference(base, transfer);
    return difference === undefined ? encodeTransfer(transfer) : [difference];
  }

  /** Standings stand after the chunks that bring the receiver there. */
  #report(frame: FrameWriter, now: Now): void {
    if (this.#standings.size === 0 && !this.#owesEcho) return;
    if (this.#pingStamp !== undefined) frame.echo(this.#pingStamp);
    this.#owesEcho = false;
    for (const region of this.#standings) {
      if (frame.size >= 2 * MESH_FRAME_TARGET_BYTES) return;
      this.#standings.delete(region);
      const standing = this.#source.standing(region, now);
      if (standing !== undefined) frame.standing(standing);
    }
  }
}
