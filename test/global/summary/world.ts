import type { Cell } from "../../../global/digest/cell.js";
import type { Publication } from "../../../global/digest/delta.js";
import { type Incarnation, sameLine, type Version } from "../../../global/digest/version.js";
import type { SourceEvent } from "../../../global/source/types.js";
import { type EngineOptions, SummaryEngine } from "../../../global/summary/engine/engine.js";
import type { EngineOutput } from "../../../global/summary/types.js";
import { utf8 } from "../../../shared/bytes.js";
import { ATOLL_PREFIX, SUMMARIES_PREFIX } from "../../../shared/etcd/keys.js";
import { sha256 } from "../../../shared/hash.js";

export const INCARNATION: Incarnation = {
  counter: 1,
  nonce: "0".repeat(32),
  baseRevision: 0,
  parentNonce: "",
};

/** A region's keys, and the changes that nobody was told of yet. */
export class World {
  revision = 1;
  readonly state = new Map<string, SourceEvent>();
  readonly pending: SourceEvent[] = [];

  write(key: string, value: string | undefined): void {
    if (value === undefined && !this.state.has(key)) return;
    const bytes = value === undefined ? undefined : utf8(value);
    const event = { key, value: bytes, modRevision: ++this.revision };
    if (value === undefined) this.state.delete(key);
    else this.state.set(key, event);
    this.pending.push(event);
  }

  define(name: string, text: string | undefined): void {
    this.write(`${SUMMARIES_PREFIX}${name}`, text);
  }

  keys(prefix: string): string[] {
    return [...this.state.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}

/** What the world knows of a section. */
export interface HeldSection {
  readonly version: Version;
  readonly retired: boolean;
  readonly groups: Map<string, readonly Cell[]>;
}

/** An engine that follows a world, and a holder of what it publishes. */
export class Follower {
  readonly engine: SummaryEngine;
  readonly held = new Map<string, HeldSection>();
  readonly scans = new Map<number, { prefix: string; after: string }>();
  readonly #world: World;

  constructor(world: World, options: Pick<EngineOptions, "maxBytes" | "limits"> = {}) {
    this.#world = world;
    this.engine = new SummaryEngine({ region: "r", hash: sha256, ...options });
  }

  /** The first read, in pieces; `between` may change the world. */
  read(pageKeys: number, between: () => void = () => {}): this {
    this.#world.pending.length = 0;
    this.scans.clear();
    this.take(this.engine.input({ kind: "reset", incarnation: INCARNATION, reason: "test" }));
    const own = (key: string): boolean => key.startsWith(ATOLL_PREFIX);
    for (const wanted of [own, (key: string) => !own(key)]) {
      let after = "";
      for (;;) {
        this.follow();
        const keys = this.#world.keys("/").filter((key) => wanted(key) && key > after);
        const page = keys.slice(0, pageKeys);
        const done = wanted !== own && page.length === keys.length;
        this.#load(0, page, done);
        if (page.length === keys.length) break;
        after = page.at(-1) as string;
        between();
      }
    }
    return this;
  }

  /** Tells the engine of all changes that it wasn't told of. */
  follow(): void {
    const events = this.#world.pending.splice(0);
    this.take(this.engine.input({ kind: "batch", revision: this.#world.revision, events }));
  }

  /** Serves a page of one of the scans that are wanted. */
  serve(scan: number, pageKeys: number): void {
    const request = this.scans.get(scan);
    if (request === undefined) return;
    this.follow();
    const keys = this.#world.keys(request.prefix).filter((key) => key > request.after);
    const page = keys.slice(0, pageKeys);
    const done = page.length === keys.length;
    if (done) this.scans.delete(scan);
    else this.scans.set(scan, { ...request, after: page.at(-1) as string });
    this.#load(scan, page, done);
  }

  serveAll(): void {
    this.follow();
    while (this.scans.size > 0) for (const scan of this.scans.keys()) this.serve(scan, 100);
  }

  take(output: EngineOutput): void {
    for (const { scan, prefix } of output.scans) this.scans.set(scan, { prefix, after: "" });
    for (const scan of output.cancelledScans) this.scans.delete(scan);
    for (const publication of output.publications) this.#hold(publication);
  }

  #load(scan: number, keys: readonly string[], done: boolean): void {
    const records = keys.map((key) => this.#world.state.get(key) as SourceEvent);
    const { revision } = this.#world;
    this.take(this.engine.input({ kind: "load", scan, records, done, revision }));
  }

  #hold({ id, to, from, schema, changes }: Publication): void {
    const held = this.held.get(id.summary);
    const groups = new Map(from === undefined ? [] : held?.groups);
    if (from !== undefined) {
      if (held === undefined || !sameLine(held.version, to) || held.version.revision !== from) {
        throw new Error(`a delta from ${from} to ${to.revision} doesn't fit`);
      }
    }
    for (const [group, cells] of changes) {
      if (cells === undefined) groups.delete(group);
      else groups.set(group, cells);
    }
    this.held.set(id.summary, { version: to, retired: schema.retired, groups });
  }
}
