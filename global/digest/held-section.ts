import type { Attestation } from "./attestation.js";
import type { Cell, GroupKey } from "./cell.js";
import type { Content } from "./content.js";
import type { Gap, Transfer } from "./delta.js";
import type { HashFunction } from "./hash.js";
import { type Leaf, type LeafChange, pathOf } from "./leaf.js";
import { Recency } from "./recency.js";
import type { Section } from "./section.js";
import { compareVersions, sameLine, type Version } from "./version.js";

/** What a holder knew of the way to a section, kept over a restart. */
export interface Past {
  /** The lowest revision that a delta can be told from. */
  readonly floor: number;
  /** What was not seen to happen above it. */
  readonly gaps: readonly Gap[];
  /** Revision of each group's last change. */
  readonly changedAt: ReadonlyMap<GroupKey, number>;
  /** The same of groups that are gone. */
  readonly goneAt: ReadonlyMap<GroupKey, number>;
}

/** A section as one holder has it: its state now, and what it can tell others of the way there. */
export class HeldSection {
  #section: Section;
  #recency: Recency;
  /** The last answer of `transferSince`: most peers stand at the same version. */
  #lastTransfer: Transfer | undefined;
  /** The origin's word for the section as it is; undefined for one of the own fold that isn't signed yet. */
  word: Attestation | undefined;

  constructor(section: Section) {
    this.#section = section;
    this.#recency = new Recency(section.version.revision, section.content.leaves());
  }

  get section(): Section {
    return this.#section;
  }

  /** The lowest revision that a delta can be told from. */
  get floor(): number {
    return this.#recency.floor;
  }

  get recency(): Recency {
    return this.#recency;
  }

  /**
   * Since when a section that comes whole has had its groups, where they are those that are
   * held; undefined where they are others, or of another line.
   */
  sameSince(version: Version, content: Content): number | undefined {
    const { content: own, version: held, sameSince } = this.#section;
    return sameLine(held, version) && own.root === content.root ? sameSince : undefined;
  }

  /** Moves on by a delta's changes; `next` is the section after them, `gap` the delta's. */
  advance(next: Section, changes: readonly LeafChange[], gap?: Gap): void {
    for (const change of changes) this.#recency.touch(change, next.version.revision);
    // One that ends where this holder stood by then is none to it.
    if (gap !== undefined && gap.before > this.#section.version.revision) {
      this.#recency.noteGap(gap);
    }
    this.#section = next;
    this.#lastTransfer = undefined;
  }

  /**
   * Puts another section in this one's place. Where both are of one line, and this one is
   * known to be right, the way there is what they differ in, but for those who stand
   * between the two.
   */
  replace(next: Section, isRight: boolean): void {
    const { content, version } = this.#section;
    const { revision } = next.version;
    if (isRight && sameLine(version, next.version) && version.revision < revision) {
      const { changed, removed } = next.content.since(content);
      for (const { key, path } of removed)
        this.#recency.touch({ key, path, leaf: undefined }, revision);
      for (const leaf of changed) this.#recency.touch(leaf, revision);
      this.#recency.noteGap({ after: version.revision, before: revision });
    } else {
      this.#recency = new Recency(revision, next.content.leaves());
    }
    this.#section = next;
    this.#lastTransfer = undefined;
  }

  /** Takes back what this holder knew of the way to the section as it is. */
  recall({ floor, gaps, changedAt, goneAt }: Past, hash: HashFunction): void {
    const { content, version } = this.#section;
    const rows: [change: LeafChange | Leaf, at: number][] = [];
    for (const leaf of content.leaves()) {
      const at = changedAt.get(leaf.key) ?? floor;
      // What is from before a section that came whole counts as of that one.
      rows.push([leaf, at > version.revision ? floor : Math.max(at, floor)]);
    }
    for (const [key, at] of goneAt) {
      const path = pathOf(key, hash);
      const isKnown = at > floor && at <= version.revision && content.at(path, key) === undefined;
      if (isKnown) rows.push([{ key, path, leaf: undefined }, at]);
    }
    rows.sort(([, a], [, b]) => a - b);
    this.#recency = new Recency(floor, []);
    for (const [change, at] of rows) this.#recency.touch(change, at);
    for (const gap of gaps) this.#recency.noteGap(gap);
    this.#lastTransfer = undefined;
  }

  /** Whether what changed since a version is known, so that a delta can tell it. */
  canTellSince(have: Version): boolean {
    return sameLine(have, this.#section.version) && this.#recency.canTellFrom(have.revision);
  }

  /**
   * What a holder at `have` misses: a delta where possible, else the whole section;
   * undefined when it misses nothing. Equal questions get the same object, so that an
   * encoding of it can be shared.
   */
  transferSince(have: Version | undefined): Transfer | undefined {
    const { id, version, root, schema, content } = this.#section;
    if (have !== undefined && compareVersions(have, version) >= 0) return undefined;
    const last = this.#lastTransfer;
    if (have !== undefined && this.canTellSince(have)) {
      if (last?.kind === "delta" && last.from === have.revision) return last;
      const changes = this.#recency.since(have.revision);
      const from = have.revision;
      const gap = this.#recency.gapFrom(from);
      const crossed = gap === undefined ? {} : { gap };
      this.#lastTransfer = { kind: "delta", id, to: version, from, changes, root, ...crossed };
    } else if (last?.kind !== "whole") {
      const changes = new Map<GroupKey, readonly Cell[]>();
      for (const leaf of content.leaves()) changes.set(leaf.key, leaf.cells);
      this.#lastTransfer = { kind: "whole", id, to: version, schema, changes, root };
    }
    return this.#lastTransfer;
  }
}
