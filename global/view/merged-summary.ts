import { Content } from "../digest/content.js";
import type { HashFunction } from "../digest/hash.js";
import { type Leaf, type LeafChange, makeLeaf } from "../digest/leaf.js";
import type { Schema, Section } from "../digest/section.js";
import type { Selection } from "./choose-definition.js";
import { mergeCells } from "./merge.js";

/** A merged summary at one moment. Never changes; what differs between two costs what differs. */
export interface MergedSnapshot {
  /** Of the merged definition; undefined when nothing is published. */
  readonly schema: Schema | undefined;
  /** Merged groups. */
  readonly content: Content;
  /** What was merged, by region. */
  readonly parts: ReadonlyMap<string, Section>;
  /** Regions that publish another definition. */
  readonly others: readonly string[];
}

/**
 * The merge of one summary over regions, kept up to date by what changes in its parts:
 * a refresh costs the changed groups times the regions, not all groups.
 */
export class MergedSummary {
  readonly #hash: HashFunction;
  readonly #empty: Content;
  #snapshot: MergedSnapshot;

  constructor(hash: HashFunction) {
    this.#hash = hash;
    this.#empty = Content.empty(hash);
    this.#snapshot = { schema: undefined, content: this.#empty, parts: new Map(), others: [] };
  }

  /** Brings the merge up to what was selected; the same object when nothing changed. */
  refresh(selection: Selection): MergedSnapshot {
    const last = this.#snapshot;
    const { parts, others } = selection;
    if (sameParts(last.parts, parts) && last.others.join() === others.join()) return last;
    const schema = parts.values().next().value?.schema;
    const sameDefinition = schema?.fingerprint === last.schema?.fingerprint;
    const content = sameDefinition
      ? this.#advance(last.content, last.parts, parts, schema)
      : this.#advance(this.#empty, new Map(), parts, schema);
    this.#snapshot = { schema, content, parts, others };
    return this.#snapshot;
  }

  #advance(
    content: Content,
    before: ReadonlyMap<string, Section>,
    now: ReadonlyMap<string, Section>,
    schema: Schema | undefined,
  ): Content {
    const touched = new Map<string, number>();
    for (const region of new Set([...before.keys(), ...now.keys()])) {
      const earlier = before.get(region)?.content ?? this.#empty;
      const { changed, removed } = (now.get(region)?.content ?? this.#empty).since(earlier);
      for (const { key, path } of changed) touched.set(key, path);
      for (const { key, path } of removed) touched.set(key, path);
    }
    const changes: LeafChange[] = [];
    for (const [key, path] of touched) {
      changes.push({ key, path, leaf: this.#merge(key, path, now, schema) });
    }
    return content.with(changes);
  }

  #merge(
    key: string,
    path: number,
    parts: ReadonlyMap<string, Section>,
    schema: Schema | undefined,
  ): Leaf | undefined {
    const leaves: Leaf[] = [];
    for (const part of parts.values()) {
      const leaf = part.content.at(path, key);
      if (leaf !== undefined) leaves.push(leaf);
    }
    if (leaves.length <= 1 || schema === undefined) return leaves[0];
    const cells = mergeCells(
      schema.measures,
      leaves.map((leaf) => leaf.cells),
    );
    return makeLeaf(key, path, cells, this.#hash);
  }
}

function sameParts(a: ReadonlyMap<string, Section>, b: ReadonlyMap<string, Section>): boolean {
  if (a.size !== b.size) return false;
  for (const [region, section] of b) if (a.get(region) !== section) return false;
  return true;
}
