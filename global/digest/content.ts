import { ByteWriter } from "./byte-writer.js";
import type { GroupKey } from "./cell.js";
import { HASH_BYTES, type HashFunction } from "./hash.js";
import { compareLeaves, HASH_DOMAIN, type Leaf, type LeafChange, pathOf } from "./leaf.js";

/** Groups that one bucket holds at most, except at the deepest level. */
const BUCKET_LEAVES = 8;
/** A path has 32 bits, and a branch takes 4 of them. */
const MAX_DEPTH = 8;
const FAN_OUT = 16;

interface Bucket {
  readonly kind: "bucket";
  readonly size: number;
  readonly packedBytes: number;
  readonly hash: string;
  /** In the order of compareLeaves. */
  readonly leaves: readonly Leaf[];
}

interface Branch {
  readonly kind: "branch";
  readonly size: number;
  readonly packedBytes: number;
  readonly hash: string;
  /** One for each value of the next 4 bits of the path. */
  readonly children: readonly (Node | undefined)[];
}

type Node = Bucket | Branch;

/** How one content differs from another. */
export interface Difference {
  /** Groups that are new or have other cells. */
  readonly changed: Leaf[];
  /** Groups that are gone, as they were. */
  readonly removed: Leaf[];
}

const EMPTY_HASH = "\0".repeat(HASH_BYTES);
const writer = new ByteWriter();

function nibble(path: number, depth: number): number {
  return (path >>> (28 - depth * 4)) & 15;
}

/**
 * The groups of a section as a Merkle tree by hash prefix, never changed in place:
 * an update shares all that it doesn't touch, so keeping an earlier state is free.
 *
 * The shape is a pure function of the groups, whatever the path to them: the groups
 * below a prefix are one bucket exactly when they are at most eight (or the prefix is
 * all 32 bits), else a branch of 16. So the root is, too.
 */
export class Content {
  readonly #root: Node | undefined;
  readonly #hash: HashFunction;

  private constructor(root: Node | undefined, hash: HashFunction) {
    this.#root = root;
    this.#hash = hash;
  }

  /** Content without groups. */
  static empty(hash: HashFunction): Content {
    return new Content(undefined, hash);
  }

  /** Number of groups. */
  get size(): number {
    return this.#root?.size ?? 0;
  }

  /** Bytes that are packed in cells. */
  get packedBytes(): number {
    return this.#root?.packedBytes ?? 0;
  }

  /** Merkle root over the groups: a binary string of 32 units, all zero when empty. */
  get root(): string {
    return this.#root?.hash ?? EMPTY_HASH;
  }

  /** The content after the changes; each key at most once. Each touched node is hashed once. */
  with(changes: readonly LeafChange[]): Content {
    if (changes.length === 0) return this;
    const sorted = [...changes].sort(compareLeaves);
    return new Content(this.#update(this.#root, sorted, 0, sorted.length, 0), this.#hash);
  }

  /** One group. */
  get(key: GroupKey): Leaf | undefined {
    return this.at(pathOf(key, this.#hash), key);
  }

  /** One group whose path is known. */
  at(path: number, key: GroupKey): Leaf | undefined {
    let node = this.#root;
    for (let depth = 0; node?.kind === "branch"; depth++) {
      node = node.children[nibble(path, depth)];
    }
    return node?.leaves.find((leaf) => leaf.key === key);
  }

  /** A group's place among all, in the tree's order, from 0; undefined when it isn't there. */
  rankOf(path: number, key: GroupKey): number | undefined {
    let rank = 0;
    let node = this.#root;
    for (let depth = 0; node?.kind === "branch"; depth++) {
      const slot = nibble(path, depth);
      for (let before = 0; before < slot; before++) rank += node.children[before]?.size ?? 0;
      node = node.children[slot];
    }
    const index = node?.leaves.findIndex((leaf) => leaf.key === key) ?? -1;
    return index < 0 ? undefined : rank + index;
  }

  /** The group at a place of the tree's order, from 0. */
  ranked(rank: number): Leaf | undefined {
    let rest = rank;
    let node = this.#root;
    while (node?.kind === "branch") {
      let next: Node | undefined;
      for (const child of node.children) {
        if (child === undefined) continue;
        if (rest < child.size) {
          next = child;
          break;
        }
        rest -= child.size;
      }
      node = next;
    }
    return node?.leaves[rest];
  }

  /** All groups, in the tree's order. */
  *leaves(): Generator<Leaf> {
    if (this.#root !== undefined) yield* leavesOf(this.#root);
  }

  /** The groups in which this differs from an earlier one. Equal subtrees are not walked. */
  since(earlier: Content): Difference {
    const difference: Difference = { changed: [], removed: [] };
    compareNodes(earlier.#root, this.#root, difference);
    return difference;
  }

  /** The node after the changes from `start` to `end`, which are all below it. */
  #update(
    node: Node | undefined,
    changes: readonly LeafChange[],
    start: number,
    end: number,
    depth: number,
  ): Node | undefined {
    if (node?.kind !== "branch") {
      return this.#build(mergeLeaves(node?.leaves ?? [], changes, start, end), depth);
    }
    const children = node.children.slice();
    let { size } = node;
    for (let from = start; from < end; ) {
      const slot = nibble((changes[from] as LeafChange).path, depth);
      let to = from + 1;
      while (to < end && nibble((changes[to] as LeafChange).path, depth) === slot) to++;
      const before = children[slot];
      const child = this.#update(before, changes, from, to, depth + 1);
      children[slot] = child;
      size += (child?.size ?? 0) - (before?.size ?? 0);
      from = to;
    }
    if (size <= BUCKET_LEAVES) return this.#bucket(children.flatMap(leafList));
    return this.#branch(children, size);
  }

  #build(leaves: readonly Leaf[], depth: number): Node | undefined {
    if (leaves.length <= BUCKET_LEAVES || depth === MAX_DEPTH) return this.#bucket(leaves);
    const children: (Node | undefined)[] = [];
    let start = 0;
    for (let slot = 0; slot < FAN_OUT; slot++) {
      let end = start;
      while (end < leaves.length && nibble((leaves[end] as Leaf).path, depth) === slot) end++;
      children.push(end === start ? undefined : this.#build(leaves.slice(start, end), depth + 1));
      start = end;
    }
    return this.#branch(children, leaves.length);
  }

  #bucket(leaves: readonly Leaf[]): Bucket | undefined {
    if (leaves.length === 0) return undefined;
    writer.reset();
    writer.byte(HASH_DOMAIN.bucket);
    let packedBytes = 0;
    for (const leaf of leaves) {
      writer.binary(leaf.hash);
      packedBytes += leaf.packedBytes;
    }
    const hash = this.#hash(writer.written());
    return { kind: "bucket", size: leaves.length, packedBytes, hash, leaves };
  }

  #branch(children: readonly (Node | undefined)[], size: number): Branch {
    writer.reset();
    writer.byte(HASH_DOMAIN.branch);
    let present = 0;
    for (let slot = 0; slot < FAN_OUT; slot++)
      if (children[slot] !== undefined) present |= 1 << slot;
    writer.uint32(present);
    let packedBytes = 0;
    for (const child of children) {
      if (child === undefined) continue;
      writer.binary(child.hash);
      packedBytes += child.packedBytes;
    }
    return { kind: "branch", size, packedBytes, hash: this.#hash(writer.written()), children };
  }
}

/** Merges the changes from `start` to `end` into a bucket's leaves; all sorted, as the result. */
function mergeLeaves(
  leaves: readonly Leaf[],
  changes: readonly LeafChange[],
  start: number,
  end: number,
): Leaf[] {
  const merged: Leaf[] = [];
  let at = 0;
  for (let index = start; index < end; index++) {
    const change = changes[index] as LeafChange;
    while (at < leaves.length && compareLeaves(leaves[at] as Leaf, change) < 0) {
      merged.push(leaves[at++] as Leaf);
    }
    if (at < leaves.length && (leaves[at] as Leaf).key === change.key) at++;
    if (change.leaf !== undefined) merged.push(change.leaf);
  }
  while (at < leaves.length) merged.push(leaves[at++] as Leaf);
  return merged;
}

function* leavesOf(node: Node): Generator<Leaf> {
  if (node.kind === "bucket") {
    yield* node.leaves;
    return;
  }
  for (const child of node.children) {
    if (child !== undefined) yield* leavesOf(child);
  }
}

function leafList(node: Node | undefined): readonly Leaf[] {
  if (node === undefined) return [];
  return node.kind === "bucket" ? node.leaves : node.children.flatMap(leafList);
}

function compareNodes(before: Node | undefined, now: Node | undefined, into: Difference): void {
  if (before === now || (before !== undefined && before.hash === now?.hash)) return;
  if (before?.kind === "branch" && now?.kind === "branch") {
    for (let slot = 0; slot < FAN_OUT; slot++) {
      compareNodes(before.children[slot], now.children[slot], into);
    }
    return;
  }
  compareLists(leafList(before), leafList(now), into);
}

/** Compares two sorted lists of leaves. */
function compareLists(before: readonly Leaf[], now: readonly Leaf[], into: Difference): void {
  let at = 0;
  for (const leaf of now) {
    while (at < before.length && compareLeaves(before[at] as Leaf, leaf) < 0) {
      into.removed.push(before[at++] as Leaf);
    }
    const same = before[at]?.key === leaf.key ? before[at++] : undefined;
    if (same?.hash !== leaf.hash) into.changed.push(leaf);
  }
  while (at < before.length) into.removed.push(before[at++] as Leaf);
}
