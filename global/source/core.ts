import type { BinaryKey } from "../../shared/bytes.js";
import { fromBinaryKey, fromUtf8, prefixEnd, toBinaryKey } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import { type Incarnation, parseIncarnation } from "../../shared/etcd/incarnation.js";
import { ATOLL_PREFIX, INCARNATION_KEY, LINEAGE_KEY } from "../../shared/etcd/keys.js";
import { type LineageMark, parseLineage } from "../../shared/etcd/lineage.js";
import type { WatchMessage } from "../../shared/etcd/watch.js";
import { MAX_BATCH_EVENTS } from "../../shared/limits.js";
import { Confirmations } from "./confirmations.js";
import { type KeyRange, type Page, type PageRequest, Scan } from "./scan.js";
import { type Sequence, Sequencer } from "./sequencer.js";
import type { Instant, KnownSource, SourceEvent, SourceOutput } from "./types.js";

/** The scan that everything begins with. */
const FIRST_READ = 0;

/** What a generation begins with. */
export interface Beginning {
  readonly incarnation: Incarnation;
  readonly reason: string;
  /** The stream begins behind this revision. */
  readonly revision: number;
  /** The first read is of exactly this revision, in the store's past; else of when it is read. */
  readonly isPast: boolean;
  readonly lineage: LineageMark | undefined;
  /** Version of the lineage key; 0 when it isn't there. */
  readonly lineageVersion: number;
  /** Mod revision of the lineage key; 0 when it isn't there. */
  readonly lineageRevision: number;
}

/**
 * What a source says, worked out from what a store says: a pure state machine. The
 * shell feeds it watch messages, pages and confirming reads, and carries out the
 * pages that it asks for.
 */
export class SourceCore {
  readonly #range: KeyRange;
  readonly #confirmations = new Confirmations();
  #sequencer: Sequencer | undefined;
  #incarnation: Incarnation | undefined;
  #lineage: LineageMark | undefined;
  #lineageRevision = 0;
  /** The first is under way. */
  #scans: Scan[] = [];
  #isFirstRead = false;
  #isPast = false;
  #isBroken = false;
  #outputs: SourceOutput[] = [];
  #keysRead = 0;
  #keysExpected: number | undefined;

  /** `range` is what is read and watched; it must take in `/atoll/`. */
  constructor(range: KeyRange) {
    this.#range = range;
  }

  /** What was followed so far; undefined before the first beginning. */
  get followed(): KnownSource | undefined {
    if (this.#incarnation === undefined) return undefined;
    return { incarnation: this.#incarnation, revision: this.position, lineage: this.#lineage };
  }

  /** Everything up to this revision was said. */
  get position(): number {
    return this.#sequencer?.position ?? 0;
  }

  /** Something is missing in what was said: only another beginning helps. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  get isFirstRead(): boolean {
    return this.#isFirstRead;
  }

  /** The first read is of the store's past, and what came after it must wait. */
  get isReadingPast(): boolean {
    return this.#isFirstRead && this.#isPast;
  }

  /** Keys that the first read has read. */
  get keysRead(): number {
    return this.#keysRead;
  }

  /** Keys that there are to read in the first read, as somebody counted them; undefined before. */
  get keysExpected(): number | undefined {
    return this.#keysExpected;
  }

  /** There are so many keys. */
  expect(keys: number): void {
    this.#keysExpected = keys;
  }

  get lineage(): LineageMark | undefined {
    return this.#lineage;
  }

  /** Mod revision of the lineage key, whatever it holds; 0 when it isn't there. */
  get lineageRevision(): number {
    return this.#lineageRevision;
  }

  /**
   * Lowest revision that a page or a confirmation waits for the stream to reach; undefined when
   * nothing waits, or the stream itself does.
   */
  get waitsFor(): number | undefined {
    if (this.isReadingPast) return undefined;
    const page = this.#scans[0]?.waitsFor;
    const read = this.#confirmations.waitsFor;
    return page === undefined || read === undefined ? (page ?? read) : Math.min(page, read);
  }

  /** What there is to say since this was asked last. */
  takeOutputs(): readonly SourceOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** Forgets everything and begins with a first read. */
  begin(beginning: Beginning): void {
    const { incarnation, reason, revision, lineage } = beginning;
    this.#incarnation = incarnation;
    this.#lineage = lineage;
    this.#lineageRevision = beginning.lineageRevision;
    this.#sequencer = new Sequencer(revision, beginning.lineageVersion);
    this.#confirmations.clear();
    this.#isFirstRead = true;
    this.#isPast = beginning.isPast;
    this.#isBroken = false;
    this.#keysRead = 0;
    this.#keysExpected = undefined;
    const own = prefixRange(ATOLL_PREFIX);
    const ranges = [
      own,
      { key: this.#range.key, end: own.key },
      { key: own.end, end: this.#range.end },
    ];
    this.#scans = [
      new Scan(
        FIRST_READ,
        ranges.filter(({ key, end }) => key < end),
      ),
    ];
    this.#outputs.push({ kind: "reset", incarnation, reason });
    if (lineage !== undefined) this.#outputs.push({ kind: "lineage", mark: lineage });
  }

  /** A watch begins, from behind the position. What was on its way is asked for again. */
  restart(): void {
    this.#sequencer?.restart();
    this.#confirmations.clear();
    this.#scans[0]?.failed();
  }

  /** Asks for a further read of existing keys. */
  scan(id: number, prefix: BinaryKey): void {
    this.#scans.push(new Scan(id, [prefixRange(prefix)]));
  }

  /** Gives up a further read. */
  cancelScan(id: number): void {
    if (id !== FIRST_READ) this.#scans = this.#scans.filter((scan) => scan.id !== id);
  }

  /**
   * A message of the watch. Throws DATA_LOSS when something is missing, ABORTED when
   * another incarnation begins.
   */
  message(message: WatchMessage, trustsStream: boolean): void {
    // Until all of it is said: what throws in between leaves something out.
    this.#isBroken = true;
    const sequence = this.#sequencer?.accept(message, trustsStream);
    if (sequence !== undefined) {
      for (const event of sequence.events) this.#notice(event);
      this.#say(sequence);
      this.#confirm();
    }
    this.#isBroken = false;
  }

  /** The next page to read, if any. */
  request(): PageRequest | undefined {
    const request = this.#scans[0]?.request();
    return request && this.isReadingPast ? { ...request, revision: this.position } : request;
  }

  /** A page that was asked for. Throws DATA_LOSS when it is from before what was said then. */
  page(request: PageRequest, page: Page, positionThen: number): void {
    checkForward(page.revision, positionThen);
    const scan = this.#scans[0];
    if (scan?.id !== request.scan) return;
    scan.page(page, this.position);
    if (scan.id === FIRST_READ) this.#keysRead += page.records.length;
    this.#sayPages();
  }

  /** A page that was asked for didn't come. */
  pageFailed(request: PageRequest): void {
    if (this.#scans[0]?.id === request.scan) this.#scans[0].failed();
  }

  /** A page that was asked for is too large for a message, or too slow; false when it is one record. */
  pageTooLarge(request: PageRequest): boolean {
    return this.#scans[0]?.id !== request.scan || this.#scans[0].tooLarge();
  }

  /**
   * A linearizable read that began at `began`, when the stream was at `positionThen`,
   * found the store at `revision`. Throws DATA_LOSS when that is from before.
   */
  confirm(revision: number, began: Instant, positionThen: number): void {
    checkForward(revision, positionThen);
    this.#confirmations.add(revision, began);
    this.#confirm();
  }

  #confirm(): void {
    // A first read's end is what makes the stream's revision mean anything.
    if (this.#isFirstRead) return;
    const confirmed = this.#confirmations.take(this.position);
    if (confirmed === undefined) return;
    this.#outputs.push({ kind: "confirmed", revision: confirmed.revision, asOf: confirmed.began });
  }

  /** Says changes and, at the revision that each is of, the pages that waited for them. */
  #say({ revision, events }: Sequence): void {
    let from = 0;
    for (;;) {
      const stop = Math.min(this.#scans[0]?.waitsFor ?? revision, revision);
      let to = from;
      while (to < events.length && (events[to] as SourceEvent).modRevision <= stop) to++;
      const part = from === 0 && to === events.length ? events : events.slice(from, to);
      from = to;
      for (const event of part) this.#scans[0]?.event(event);
      this.#sayBatch(stop, part);
      this.#sayPages(stop);
      if (stop === revision) return;
    }
  }

  /** Says changes together with those that wait to be taken: who folds them pays by the batch. */
  #sayBatch(revision: number, events: readonly SourceEvent[]): void {
    const last = this.#outputs.at(-1);
    if (last?.kind !== "batch" || last.events.length + events.length > MAX_BATCH_EVENTS) {
      this.#outputs.push({ kind: "batch", revision, events: [...events] });
      return;
    }
    const waiting = last.events as SourceEvent[];
    for (const event of events) waiting.push(event);
    this.#outputs[this.#outputs.length - 1] = { kind: "batch", revision, events: waiting };
  }

  #sayPages(position: number = this.position): void {
    const scan = this.#scans[0];
    if (scan === undefined) return;
    for (;;) {
      const page = scan.take(position);
      if (page === undefined) return;
      const { records, done } = page;
      this.#outputs.push({ kind: "load", scan: scan.id, records, done, revision: position });
      if (done) break;
    }
    this.#scans.shift();
    if (scan.id !== FIRST_READ) return;
    this.#isFirstRead = false;
    this.#confirm();
  }

  /** Looks at Atoll's own records as they pass. */
  #notice(event: SourceEvent): void {
    if (event.key === LINEAGE_KEY) this.#noticeLineage(event);
    if (event.key === INCARNATION_KEY && !this.#isCurrent(event.value)) {
      throw new AtollError("ABORTED", "the region's incarnation changed");
    }
  }

  #noticeLineage({ value, modRevision }: SourceEvent): void {
    this.#lineageRevision = value === undefined ? 0 : modRevision;
    if (value === undefined) return;
    try {
      this.#lineage = { ...parseLineage(fromUtf8(value)), revision: modRevision };
      this.#outputs.push({ kind: "lineage", mark: this.#lineage });
    } catch {
      // Somebody else's scribble; the next gateway that writes replaces it.
    }
  }

  #isCurrent(value: Uint8Array | undefined): boolean {
    if (value === undefined) return false;
    const { counter, nonce } = parseIncarnation(fromUtf8(value));
    return counter === this.#incarnation?.counter && nonce === this.#incarnation.nonce;
  }
}

/** A store whose linearizable reads go back isn't the one that was followed. */
function checkForward(revision: number, position: number): void {
  if (revision >= position) return;
  throw new AtollError("DATA_LOSS", `a read gave revision ${revision}, after ${position} was seen`);
}

function prefixRange(prefix: BinaryKey): KeyRange {
  return { key: prefix, end: toBinaryKey(prefixEnd(fromBinaryKey(prefix))) };
}
