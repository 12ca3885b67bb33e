import type { Cell, GroupChanges, GroupKey } from "../../digest/cell.js";
import type { StateReader } from "../../digest/global-state.js";
import type { HashFunction } from "../../digest/hash.js";
import { pathOf } from "../../digest/leaf.js";
import type { Section } from "../../digest/section.js";
import { sameLine } from "../../digest/version.js";
import { mergeCells } from "../../view/merge.js";
import { type Vector, versionOf } from "./standing.js";
import { isCurrent, type Target } from "./target.js";

/** A group of a target. */
export type Group = readonly [key: GroupKey, cells: readonly Cell[]];

/** Every group of a target, made as they are asked for. */
export function* allGroups(target: Target): Generator<Group> {
  const { parts } = target;
  const seen = new Set<GroupKey>();
  for (const part of parts.values()) {
    for (const leaf of part.content.leaves()) {
      if (parts.size === 1) yield [leaf.key, leaf.cells];
      else if (!seen.has(leaf.key)) {
        seen.add(leaf.key);
        const cells = groupAt(target, leaf.key, leaf.path);
        if (cells !== undefined) yield [leaf.key, cells];
      }
    }
  }
}

/**
 * The groups of a target that may differ from those at `from`, as they are now; undefined
 * where that can't be told any more, so that all of them have to be written.
 */
export function changesSince(
  target: Target,
  from: Vector,
  state: StateReader,
  hash: HashFunction,
): GroupChanges | undefined {
  const changes = new Map<GroupKey, readonly Cell[] | undefined>();
  for (const [region, part] of target.parts) {
    if (!isCurrent(state, part)) continue;
    const own = changesOfPart(part, from[region], state);
    if (own === undefined) return undefined;
    for (const [key, cells] of own) {
      if (target.parts.size === 1) changes.set(key, cells);
      else if (!changes.has(key)) changes.set(key, groupAt(target, key, pathOf(key, hash)));
    }
  }
  return changes;
}

const NO_CHANGES: GroupChanges = new Map();

function changesOfPart(
  part: Section,
  standing: string | undefined,
  state: StateReader,
): GroupChanges | undefined {
  const have = standing === undefined ? undefined : versionOf(standing);
  if (have === undefined || !sameLine(have, part.version)) return undefined;
  const transfer = state.transferSince(part.id, have);
  if (transfer === undefined) return NO_CHANGES;
  return transfer.kind === "delta" ? transfer.changes : undefined;
}

function groupAt(target: Target, key: GroupKey, path: number): readonly Cell[] | undefined {
  const { parts, schema } = target;
  const cells: (readonly Cell[])[] = [];
  for (const { content } of parts.values()) {
    const leaf = content.at(path, key);
    if (leaf !== undefined) cells.push(leaf.cells);
  }
  if (cells.length === 0 || schema === undefined) return undefined;
  return mergeCells(schema.measures, cells);
}
