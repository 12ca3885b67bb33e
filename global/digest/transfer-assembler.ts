import { toBinaryKey } from "../../shared/bytes.js";
import type { SectionChunk } from "../../shared/gen/atoll/digest/v1/digest_pb.js";
import {
  MAX_CELLS_PER_SECTION,
  MAX_CHUNKS_PER_TRANSFER,
  MAX_GROUPS_PER_SECTION,
  MAX_PACKED_BYTES_PER_SECTION,
  MAX_TOMBSTONES_PER_SECTION,
  MAX_TRANSFER_KEY_BYTES,
  MAX_TRANSFER_MEMORY_BYTES,
  MAX_TRANSFERS_IN_PROGRESS,
} from "../../shared/limits.js";
import { type Cell, type GroupKey, packedBytes } from "./cell.js";
import type { Gap, Transfer } from "./delta.js";
import { followSection } from "./difference/section-difference.js";
import { describeBadKey, isGroupKey } from "./group-key.js";
import { HASH_BYTES } from "./hash.js";
import { type Schema, type Section, type SectionId, sectionKey } from "./section.js";
import { sameLine, type Version } from "./version.js";
import { bytes, integer, list, malformed, regionName, summaryName } from "./wire-check.js";
import { decodeColumns } from "./wire-columns.js";
import { decodeSchema } from "./wire-schema.js";
import { decodeGap, decodeVersion } from "./wire-version.js";

/** What all chunks of one transfer say alike. */
interface Head {
  readonly id: SectionId;
  readonly to: Version;
  readonly from: number | undefined;
  readonly gap: Gap | undefined;
  readonly root: string;
  readonly chunks: number;
}

interface Partial {
  readonly head: Head;
  readonly schema: Schema | undefined;
  readonly changes: Map<GroupKey, readonly Cell[] | undefined>;
  next: number;
  keyUnits: number;
  packedBytes: number;
  cells: number;
}

/** Memory that a change takes besides its key and cells, and a cell besides what is packed in it, about. */
const CHANGE_BYTES = 64;
const CELL_BYTES = 48;

/** A delta's groups at most: all live ones, and all that may be remembered as gone. */
const MAX_CHANGES = MAX_GROUPS_PER_SECTION + MAX_TOMBSTONES_PER_SECTION;

/**
 * Puts the chunks of one stream together. Chunks of several sections may alternate;
 * those of one stand in order, and a first chunk begins anew. Everything is checked
 * before it is kept, and what is kept is bounded.
 */
export class TransferAssembler {
  readonly #partials = new Map<string, Partial>();
  /** Bytes of memory that the partials take, about. */
  #memory = 0;

  /**
   * Takes a chunk; gives the transfer when it is complete. Throws INVALID_ARGUMENT
   * naming what is wrong; the transfer that the chunk was of is then given up. `base` is
   * what a chunk's differences are from (`leadsFrom`).
   */
  add(message: SectionChunk, base?: Section): Transfer | undefined {
    const id = {
      region: regionName(message.region, "chunk.region"),
      summary: summaryName(message.summary, "chunk.summary"),
    };
    const key = sectionKey(id);
    const begun = this.#partials.get(key);
    this.#partials.delete(key);
    if (begun !== undefined) this.#memory -= memoryOf(begun);
    const where = `${id.summary} of ${id.region}: chunk ${message.chunk}:`;
    const head = decodeHead(message, id, where);
    const partial = message.chunk === 0 ? begin(message, head, where) : begun;
    if (partial === undefined || partial.next !== message.chunk || !sameHead(partial.head, head)) {
      malformed(where, "does not follow the one before it");
    }
    gather(partial, message, base, where);
    partial.next++;
    if (partial.next === head.chunks) return complete(partial);
    if (this.#partials.size >= MAX_TRANSFERS_IN_PROGRESS) {
      malformed(where, `is of one more than ${MAX_TRANSFERS_IN_PROGRESS} transfers at once`);
    }
    const memory = this.#memory + memoryOf(partial);
    if (memory > MAX_TRANSFER_MEMORY_BYTES) {
      malformed(
        where,
        `brings transfers to more than ${MAX_TRANSFER_MEMORY_BYTES} bytes of memory`,
      );
    }
    this.#memory = memory;
    this.#partials.set(key, partial);
    return undefined;
  }

  /** Whether a part of a region's transfer has come, and not yet all of it. */
  isGathering(region: string): boolean {
    for (const { head } of this.#partials.values()) if (head.id.region === region) return true;
    return false;
  }
}

function memoryOf({ changes, keyUnits, packedBytes: packed, cells }: Partial): number {
  return keyUnits + packed + changes.size * CHANGE_BYTES + cells * CELL_BYTES;
}

function decodeHead(message: SectionChunk, id: SectionId, where: string): Head {
  const to = decodeVersion(message.to, `${where} to`);
  const from = message.from === undefined ? undefined : integer(message.from, 0, `${where} from`);
  if (from !== undefined && from >= to.revision) {
    malformed(`${where} from`, `is ${from}; it must be before ${to.revision}`);
  }
  const { chunk, chunks } = message;
  if (chunk >= chunks || chunks > MAX_CHUNKS_PER_TRANSFER) {
    malformed(where, `of ${chunks}: at most ${MAX_CHUNKS_PER_TRANSFER} are allowed`);
  }
  const root = toBinaryKey(bytes(message.root, [HASH_BYTES], `${where} root`));
  const gap = message.gap && decodeGap(message.gap, `${where} gap`);
  return { id, to, from, gap, root, chunks };
}

function sameHead(a: Head, b: Head): boolean {
  return (
    a.from === b.from &&
    a.gap?.after === b.gap?.after &&
    a.gap?.before === b.gap?.before &&
    a.root === b.root &&
    a.chunks === b.chunks &&
    a.to.revision === b.to.revision &&
    sameLine(a.to, b.to)
  );
}

function begin(message: SectionChunk, head: Head, where: string): Partial {
  if ((message.schema === undefined) !== (head.from !== undefined)) {
    malformed(where, "must have a schema if it begins a whole section, and only then");
  }
  const schema =
    message.schema === undefined ? undefined : decodeSchema(message.schema, `${where} schema`);
  return { head, schema, changes: new Map(), next: 0, keyUnits: 0, packedBytes: 0, cells: 0 };
}

function gather(
  partial: Partial,
  message: SectionChunk,
  base: Section | undefined,
  where: string,
): void {
  const { changes } = partial;
  const { difference } = message;
  const put = (key: GroupKey, cells: readonly Cell[] | undefined): void => {
    changes.set(key, cells);
    partial.keyUnits += key.length;
    partial.cells += cells?.length ?? 0;
    for (const cell of cells ?? []) partial.packedBytes += packedBytes(cell);
  };
  if (difference !== undefined) {
    const { from, chunks } = partial.head;
    const here = `${where} difference`;
    if (from === undefined || chunks > 1) malformed(here, "must be of a delta in one chunk");
    if (base === undefined) malformed(here, "is from a section that isn't here");
    for (const [key, cells] of followSection(base, difference, here)) put(key, cells);
  }
  const room = MAX_CHANGES - changes.size;
  const keys = list(message.keys, room, `${where} keys`);
  const removed = list(message.removed, room - keys.length, `${where} removed`);
  if (partial.head.from === undefined && removed.length > 0) {
    malformed(`${where} removed`, "has elements, which a whole section can't have");
  }
  const rows = decodeColumns(message.columns, keys.length, `${where} columns`);
  const expected = changes.size + keys.length + removed.length;
  for (const key of [...keys, ...removed]) {
    if (!isGroupKey(key)) malformed(where, `has ${describeBadKey(key)}`);
  }
  keys.forEach((key, index) => put(key, rows[index]));
  for (const key of removed) put(key, undefined);
  if (changes.size !== expected) malformed(where, "names a group twice");
  if (partial.cells > MAX_CELLS_PER_SECTION) {
    malformed(where, `brings more than ${MAX_CELLS_PER_SECTION} cells`);
  }
  if (partial.keyUnits > MAX_TRANSFER_KEY_BYTES) {
    malformed(where, `brings more than ${MAX_TRANSFER_KEY_BYTES} bytes of group keys`);
  }
  if (partial.packedBytes > MAX_PACKED_BYTES_PER_SECTION) {
    malformed(where, `brings more than ${MAX_PACKED_BYTES_PER_SECTION} bytes of packed cells`);
  }
}

function complete({ head, schema, changes }: Partial): Transfer {
  const { id, to, from, gap, root } = head;
  if (from !== undefined) {
    return { kind: "delta", id, to, from, changes, root, ...(gap === undefined ? {} : { gap }) };
  }
  if (schema === undefined) malformed(`${id.summary} of ${id.region}`, "came without a schema");
  return { kind: "whole", id, to, schema, changes, root };
}
