import { toBinaryKey } from "../../../shared/bytes.js";
import type { Difference, SectionChunk } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { ByteWriter } from "../byte-writer.js";
import type { Cell, GroupChanges, GroupKey } from "../cell.js";
import type { Leaf } from "../leaf.js";
import { PackedReader } from "../packed-reader.js";
import type { Section } from "../section.js";
import { sameLine } from "../version.js";
import { malformed } from "../wire-check.js";
import { decodeVersion } from "../wire-version.js";
import { followDifference, writeDifference } from "./cells.js";

/** A delta's groups, told by what the receiver has of the section at `from`. */
export interface Told {
  /** Places and fates of groups that the base has. */
  readonly groups: Uint8Array;
  /** Their cells' differences, one for each measure. */
  readonly differences: Uint8Array[];
  /** Groups that the base doesn't have. */
  readonly fresh: ReadonlyMap<GroupKey, readonly Cell[]>;
  /** Groups that the base doesn't have either, and that came and went since. */
  readonly removed: readonly GroupKey[];
}

interface Known {
  readonly rank: number;
  readonly leaf: Leaf;
  readonly cells: readonly Cell[] | undefined;
}

const groupsWriter = new ByteWriter();
const columnWriter = new ByteWriter();

/**
 * Tells a delta's changes by the section that its receiver has, at exactly the revision
 * that the delta is from. Undefined where cells are too far apart for differences.
 */
export function tellDifference(base: Section, changes: GroupChanges): Told | undefined {
  const { content } = base;
  const fresh = new Map<GroupKey, readonly Cell[]>();
  const removed: GroupKey[] = [];
  const known: Known[] = [];
  for (const [key, cells] of changes) {
    const leaf = content.get(key);
    const rank = leaf && content.rankOf(leaf.path, key);
    if (leaf !== undefined && rank !== undefined) known.push({ rank, leaf, cells });
    else if (cells !== undefined) fresh.set(key, cells);
    else removed.push(key);
  }
  known.sort((a, b) => a.rank - b.rank);
  groupsWriter.reset();
  let last = 0;
  for (const { rank, cells } of known) {
    groupsWriter.varint((rank - last) * 2 + (cells === undefined ? 1 : 0));
    last = rank;
  }
  const differences: Uint8Array[] = [];
  for (let measure = 0; measure < base.schema.measures.length; measure++) {
    const column = tellColumn(known, measure);
    if (column === undefined) return undefined;
    differences.push(column);
  }
  return { groups: groupsWriter.written().slice(), differences, fresh, removed };
}

/** The differences of one measure's cells; empty when there are none. */
function tellColumn(known: readonly Known[], measure: number): Uint8Array | undefined {
  columnWriter.reset();
  for (const { leaf, cells } of known) {
    if (cells === undefined) continue;
    const [before, after] = [leaf.cells[measure], cells[measure]];
    if (before === undefined || before.kind !== after?.kind) return undefined;
    if (!writeDifference(before, after, columnWriter)) return undefined;
  }
  const column = columnWriter.written();
  return column.some((byte) => byte !== 0) ? column.slice() : new Uint8Array(0);
}

/** Whether a chunk's differences are from exactly this section. Throws INVALID_ARGUMENT. */
export function leadsFrom(base: Section, { from, to }: SectionChunk): boolean {
  const { version } = base;
  return from === BigInt(version.revision) && sameLine(version, decodeVersion(to, "chunk.to"));
}

/**
 * The changes, absolute, that a difference makes to groups of the section that it was told
 * by. Throws INVALID_ARGUMENT naming what is wrong.
 */
export function followSection(
  base: Section,
  { groups, columns }: Difference,
  where: string,
): Map<GroupKey, readonly Cell[] | undefined> {
  const changes = new Map<GroupKey, readonly Cell[] | undefined>();
  const live: Leaf[] = [];
  const places = new PackedReader(toBinaryKey(groups), `${where} groups`);
  let rank = 0;
  for (let first = true; !places.atEnd; first = false) {
    const code = places.varint();
    const step = Math.floor(code / 2);
    if (!first && step === 0) places.fail("has a group twice");
    rank += step;
    const leaf = base.content.ranked(rank);
    if (leaf === undefined) places.fail(`has group ${rank} of ${base.content.size}`);
    else if (code % 2 === 1) changes.set(leaf.key, undefined);
    else live.push(leaf);
  }
  const { measures } = base.schema;
  if (columns.length !== measures.length) {
    malformed(`${where} columns`, `are ${columns.length} for ${measures.length} measures`);
  }
  const rows: Cell[][] = live.map(() => []);
  columns.forEach((column, measure) => {
    const here = `${where} columns[${measure}]`;
    const reader = new PackedReader(toBinaryKey(column), here);
    const isEmpty = reader.atEnd;
    live.forEach((leaf, index) => {
      const before = leaf.cells[measure] as Cell;
      (rows[index] as Cell[]).push(isEmpty ? before : followDifference(before, reader, here));
    });
    if (!reader.atEnd) reader.fail("is longer than its groups");
  });
  live.forEach((leaf, index) => changes.set(leaf.key, rows[index]));
  return changes;
}
