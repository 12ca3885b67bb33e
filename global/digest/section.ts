import { MAX_CELLS_PER_SECTION, MAX_GROUPS_PER_SECTION } from "../../shared/limits.js";
import { ByteWriter } from "./byte-writer.js";
import type { Cell, MeasureDescriptor } from "./cell.js";
import type { Content } from "./content.js";
import type { HashFunction } from "./hash.js";
import { HASH_DOMAIN } from "./leaf.js";
import type { Version } from "./version.js";

/** Which region's digest of which summary. */
export interface SectionId {
  readonly region: string;
  readonly summary: string;
}

/** What a section's groups and cells mean; part of its root. */
export interface Schema {
  /**
   * SHA-256 of the definition in canonical form, 64 hexadecimal digits: equal in all
   * regions that publish the same definition. Empty when retired.
   */
  readonly fingerprint: string;
  /** The expressions that group keys hold the values of. */
  readonly groupBy: readonly string[];
  readonly measures: readonly MeasureDescriptor[];
  /** The summary was deleted in its region: the section has no groups. */
  readonly retired: boolean;
}

/** The schema of a summary that its region has deleted. */
export const RETIRED: Schema = { fingerprint: "", groupBy: [], measures: [], retired: true };

/** One region's digest of one summary at one version. Never changes; cheap to keep. */
export interface Section {
  readonly id: SectionId;
  readonly version: Version;
  readonly schema: Schema;
  readonly content: Content;
  /** SHA-256 over schema and groups: a binary string of 32 units. */
  readonly root: string;
  /**
   * The earliest revision of the line that is known to its holder to have had these groups.
   * Whoever stands there has them, though not all between must have. Local, never hashed.
   */
  readonly sameSince: number;
}

/** That a section has this root at this version; a list of them is a version vector. */
export interface SectionClaim {
  readonly id: SectionId;
  readonly version: Version;
  readonly root: string;
}

/** One string for a section's name, for maps. Neither part may hold a newline. */
export function sectionKey(id: SectionId): string {
  return `${id.region}\n${id.summary}`;
}

const writer = new ByteWriter();

/**
 * Builds a section; its root is over the schema, the number of groups and their tree.
 * `sameSince` is given where it only moves on.
 */
export function makeSection(
  id: SectionId,
  version: Version,
  schema: Schema,
  content: Content,
  hash: HashFunction,
  sameSince: number = version.revision,
): Section {
  writer.reset();
  writer.byte(HASH_DOMAIN.section);
  writer.text(schema.fingerprint);
  writer.byte(schema.retired ? 1 : 0);
  writer.uint32(schema.groupBy.length);
  for (const expression of schema.groupBy) writer.text(expression);
  writer.uint32(schema.measures.length);
  for (const measure of schema.measures) {
    writer.text(measure.name);
    writer.text(measure.kind);
    writer.byte(measure.scale);
    writer.uint32(measure.limit);
  }
  writer.uint32(content.size);
  writer.binary(content.root);
  return { id, version, schema, content, root: hash(writer.written()), sameSince };
}

/** Groups that a section may have with so many measures. */
export function mostGroups(measures: number): number {
  return Math.min(
    MAX_GROUPS_PER_SECTION,
    Math.floor(MAX_CELLS_PER_SECTION / Math.max(1, measures)),
  );
}

/** Whether a group's cells are those that the schema's measures ask for. */
export function cellsFit(schema: Schema, cells: readonly Cell[]): boolean {
  if (cells.length !== schema.measures.length) return false;
  for (let i = 0; i < cells.length; i++) {
    if (cells[i]?.kind !== schema.measures[i]?.kind) return false;
  }
  return true;
}
