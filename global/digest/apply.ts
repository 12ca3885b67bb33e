import { MAX_PACKED_BYTES_PER_SECTION } from "../../shared/limits.js";
import type { Cell, GroupChanges, GroupKey } from "./cell.js";
import { Content } from "./content.js";
import type { DeltaTransfer, WholeTransfer } from "./delta.js";
import type { HashFunction } from "./hash.js";
import type { HeldSection } from "./held-section.js";
import { cellsEqual, type LeafChange, makeLeaf, pathOf } from "./leaf.js";
import type { Recency } from "./recency.js";
import { cellsFit, makeSection, mostGroups, type Schema, type Section } from "./section.js";

/** A section as it would be, and the changes that lead there; nothing has moved yet. */
export interface Prepared {
  readonly section: Section;
  readonly changes: readonly LeafChange[];
}

/** The section after a delta, or what is wrong with the delta. */
export function prepareDelta(
  held: HeldSection,
  delta: DeltaTransfer,
  hash: HashFunction,
): Prepared | string {
  const { schema, content } = held.section;
  const wrong = misfit(schema, delta.changes);
  if (wrong !== undefined) return wrong;
  const changes = leafChanges(delta.changes, held.recency, hash);
  const since = changes.length === 0 ? held.section.sameSince : delta.to.revision;
  const section = makeSection(delta.id, delta.to, schema, content.with(changes), hash, since);
  return tooLarge(section) ?? { section, changes };
}

/**
 * The section that a whole transfer is, or what is wrong with it. What `held` has
 * already is shared, not hashed again. `sameSince` says since when a content is there.
 */
export function prepareWhole(
  held: HeldSection | undefined,
  whole: WholeTransfer,
  hash: HashFunction,
  sameSince: (content: Content) => number | undefined,
): Prepared | string {
  const wrong = misfit(whole.schema, whole.changes);
  if (wrong !== undefined) return wrong;
  const changes = leafChanges(whole.changes, held?.recency, hash);
  let content = Content.empty(hash);
  if (held !== undefined) {
    content = held.section.content;
    for (const leaf of content.leaves()) {
      if (!whole.changes.has(leaf.key)) {
        changes.push({ key: leaf.key, path: leaf.path, leaf: undefined });
      }
    }
  }
  const next = content.with(changes);
  const section = makeSection(whole.id, whole.to, whole.schema, next, hash, sameSince(next));
  return tooLarge(section) ?? { section, changes };
}

/** Changes of groups as changes of leaves; a leaf that stays equal is kept. */
export function leafChanges(
  changes: GroupChanges,
  recency: Recency | undefined,
  hash: HashFunction,
): LeafChange[] {
  const result: LeafChange[] = [];
  for (const [key, cells] of changes) {
    const path = recency?.pathOf(key) ?? pathOf(key, hash);
    const leaf = cells === undefined ? undefined : reuseOrMake(key, path, cells, recency, hash);
    result.push({ key, path, leaf });
  }
  return result;
}

function reuseOrMake(
  key: GroupKey,
  path: number,
  cells: readonly Cell[],
  recency: Recency | undefined,
  hash: HashFunction,
): LeafChange["leaf"] {
  const before = recency?.leafOf(key);
  if (before !== undefined && cellsEqual(before.cells, cells)) return before;
  return makeLeaf(key, path, cells, hash);
}

function misfit(schema: Schema, changes: GroupChanges): string | undefined {
  for (const [key, cells] of changes) {
    if (cells !== undefined && !cellsFit(schema, cells)) {
      return `the cells of group ${key} are not those of the measures`;
    }
  }
  return undefined;
}

function tooLarge(section: Section): string | undefined {
  const { size, packedBytes } = section.content;
  const most = mostGroups(section.schema.measures.length);
  if (size > most) {
    return `${size} groups are more than the ${most} that such a section may have`;
  }
  if (packedBytes > MAX_PACKED_BYTES_PER_SECTION) {
    return `${packedBytes} bytes of packed cells are more than the ${MAX_PACKED_BYTES_PER_SECTION} that a section may have`;
  }
  return undefined;
}
