import type { BinaryKey } from "../../../shared/bytes.js";
import { ATOLL_PREFIX, SUMMARIES_PREFIX } from "../../../shared/etcd/keys.js";
import { MAX_FOLD_BYTES_PER_GATEWAY } from "../../../shared/limits.js";
import type { Publication } from "../../digest/delta.js";
import type { HashFunction } from "../../digest/hash.js";
import type { SourceEvent, SourceOutput } from "../../source/types.js";
import { Bindings, keyText } from "../cel/bindings.js";
import type { FoldLimits } from "../fold/fold.js";
import type { EngineOutput, SummaryStatus } from "../types.js";
import { Catalog, FIRST_READ } from "./catalog.js";
import { type Position, type Running, retirement } from "./running.js";

export interface EngineOptions {
  readonly region: string;
  readonly hash: HashFunction;
  /** Memory of all summaries' folds. */
  readonly maxBytes?: number;
  /** Of one summary. */
  readonly limits?: FoldLimits;
}

/**
 * All summaries of one region, folded from its source's outputs. What is published at
 * a version is a function of the region's state there: a gateway that read it afresh
 * and one that followed it for years publish the same.
 */
export class SummaryEngine {
  readonly #region: string;
  readonly #catalog: Catalog;
  readonly #record = new Bindings();
  /** Sections that were published before a reset; retired unless they come back. */
  readonly #orphans = new Set<string>();
  #position: Position | undefined;
  #isLive = false;
  #publications: Publication[] = [];

  constructor(options: EngineOptions) {
    this.#region = options.region;
    this.#catalog = new Catalog({
      hash: options.hash,
      maxBytes: options.maxBytes ?? MAX_FOLD_BYTES_PER_GATEWAY,
      limits: options.limits ?? {},
    });
  }

  /** Takes what the source says next. */
  input(output: SourceOutput): EngineOutput {
    switch (output.kind) {
      case "reset":
        for (const name of this.#catalog.reset()) this.#orphans.add(name);
        this.#position = { incarnation: output.incarnation, revision: 0 };
        this.#isLive = false;
        break;
      case "load":
        this.#move(output.revision);
        this.#load(output);
        break;
      case "batch":
        this.#move(output.revision);
        for (const event of output.events) this.#apply(event);
        this.#publish();
        break;
      case "confirmed":
      case "lineage":
        break;
    }
    return this.#take();
  }

  /** Whether everything that stood in the region when it was read is folded. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** How each summary is, by name. */
  statuses(): SummaryStatus[] {
    return [...this.#catalog.summaries.values()]
      .map((summary) => summary.status())
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Retires sections of this region that somebody holds and no definition is there
   * for: it was deleted while none of the region's gateways ran.
   */
  retireUnknown(names: Iterable<string>): EngineOutput {
    if (this.#isLive) {
      for (const name of names) if (!this.#catalog.summaries.has(name)) this.#retire(name);
    }
    return this.#take();
  }

  /**
   * Folds anew what was refused for its size; the region may have shrunk. To be called
   * a few times a second: most calls do nothing, ever more of them each time it is
   * refused again.
   */
  retryRefused(): EngineOutput {
    if (this.#isLive) this.#catalog.retryRefused();
    return this.#take();
  }

  #take(): EngineOutput {
    const publications = this.#publications;
    this.#publications = [];
    return { publications, ...this.#catalog.takeScans() };
  }

  #move(revision: number): void {
    if (this.#position === undefined) throw new Error("invariant violated: no reset came first");
    this.#position = { incarnation: this.#position.incarnation, revision };
  }

  #load(load: SourceOutput & { kind: "load" }): void {
    const running = this.#catalog.byScan(load.scan);
    if (load.scan !== FIRST_READ && running === undefined) return;
    for (const record of load.records) {
      if (running === undefined) this.#read(record);
      else if (!record.key.startsWith(ATOLL_PREFIX)) this.#tell([running], record);
    }
    if (!load.done) return;
    this.#catalog.loaded(load.scan);
    if (load.scan === FIRST_READ) this.#isLive = true;
    this.#publish();
    if (load.scan === FIRST_READ) this.#retireOrphans();
  }

  /** A record of the first read. A definition that comes later would want it, too. */
  #read(record: SourceEvent): void {
    if (!record.key.startsWith(ATOLL_PREFIX)) this.#catalog.joinsFirstRead = false;
    this.#apply(record);
  }

  #apply(event: SourceEvent): void {
    if (!event.key.startsWith(ATOLL_PREFIX)) {
      this.#tell(this.#catalog.matching(event.key), event);
    } else if (event.key.startsWith(SUMMARIES_PREFIX)) {
      this.#define(keyText(event.key.slice(SUMMARIES_PREFIX.length)), event);
    }
  }

  #define(name: string, event: SourceEvent): void {
    if (event.value !== undefined) {
      this.#catalog.write(name, event.value, event.modRevision);
    } else if (this.#catalog.remove(name)) {
      this.#retire(name, event.modRevision);
    }
  }

  #tell(interested: readonly Running[], { key, value, modRevision }: SourceEvent): void {
    if (value === undefined) {
      for (const { fold } of interested) fold.delete(key);
      return;
    }
    if (interested.length > 0) this.#record.bind(key, value, modRevision);
    for (const running of interested) this.#put(running, key);
  }

  #put(running: Running, key: BinaryKey): void {
    this.#record.below(running.prefix.length);
    running.fold.put(key, this.#record);
  }

  #publish(): void {
    if (this.#position === undefined || !this.#isLive) return;
    this.#catalog.dropRefused();
    for (const summary of this.#catalog.summaries.values()) {
      const publication = summary.live?.publish(this.#region, this.#position);
      if (publication === undefined) continue;
      summary.wasPublished = true;
      this.#publications.push(publication);
    }
    this.#catalog.dropRefused();
  }

  #retireOrphans(): void {
    for (const name of this.#orphans) if (!this.#catalog.summaries.has(name)) this.#retire(name);
    this.#orphans.clear();
  }

  /** Says that a summary is gone: its definition was deleted at `definition`, or is not there now. */
  #retire(name: string, definition?: number): void {
    if (this.#position === undefined) return;
    const at = definition ?? this.#position.revision;
    this.#publications.push(retirement(this.#region, name, at, this.#position));
  }
}
