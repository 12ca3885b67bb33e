import { ByteWriter } from "./byte-writer.js";
import { type Cell, type GroupKey, packedBytes } from "./cell.js";
import { writeCell } from "./cell-bytes.js";
import type { HashFunction } from "./hash.js";

/** One group in a section's content. Never changes. */
export interface Leaf {
  readonly key: GroupKey;
  /** The first 32 bits of the key's hash: the group's place in the tree. */
  readonly path: number;
  readonly cells: readonly Cell[];
  /** Bytes that are packed in the cells. */
  readonly packedBytes: number;
  /** Over key and cells in canonical form; a binary string of 32 units. */
  readonly hash: string;
}

/** One change of content: a group's new leaf, or where the one that goes away was. */
export interface LeafChange {
  readonly key: GroupKey;
  readonly path: number;
  /** Undefined when the group is gone. */
  readonly leaf: Leaf | undefined;
}

/** First byte of what is hashed, so that no two kinds of node can have equal bytes. */
export const HASH_DOMAIN = { leaf: 0, bucket: 1, branch: 2, section: 3 } as const;

const writer = new ByteWriter();

/** Where a group stands in the tree: an unsigned 32-bit number that nobody can choose freely. */
export function pathOf(key: GroupKey, hash: HashFunction): number {
  writer.reset();
  writer.text(key);
  const digest = hash(writer.written());
  return (
    ((digest.charCodeAt(0) << 24) |
      (digest.charCodeAt(1) << 16) |
      (digest.charCodeAt(2) << 8) |
      digest.charCodeAt(3)) >>>
    0
  );
}

/** Makes a leaf; `path` must be the key's. */
export function makeLeaf(
  key: GroupKey,
  path: number,
  cells: readonly Cell[],
  hash: HashFunction,
): Leaf {
  writer.reset();
  writer.byte(HASH_DOMAIN.leaf);
  writer.text(key);
  let packed = 0;
  for (const cell of cells) {
    writeCell(writer, cell);
    packed += packedBytes(cell);
  }
  return { key, path, cells, packedBytes: packed, hash: hash(writer.written()) };
}

/** The order of leaves in the tree: by path, then by key. */
export function compareLeaves(
  a: { readonly path: number; readonly key: GroupKey },
  b: { readonly path: number; readonly key: GroupKey },
): number {
  if (a.path !== b.path) return a.path - b.path;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Whether two lists of cells are the same content. */
export function cellsEqual(a: readonly Cell[], b: readonly Cell[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const left = a[i] as Cell;
    const right = b[i] as Cell;
    if (left.kind !== right.kind || payload(left) !== payload(right)) return false;
  }
  return true;
}

function payload(cell: Cell): number | bigint | string | undefined {
  switch (cell.kind) {
    case "count":
      return cell.count;
    case "sum":
      return cell.scaled;
    case "min":
    case "max":
      return cell.value;
    default:
      return cell.packed;
  }
}
