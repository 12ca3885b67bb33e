import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { fromBinaryKey } from "../../shared/bytes.js";
import { SectionChunkSchema } from "../../shared/gen/atoll/digest/v1/digest_pb.js";
import { MESH_CHUNK_BYTES } from "../../shared/limits.js";
import { type Cell, type GroupKey, packedBytes } from "./cell.js";
import type { DeltaTransfer, Transfer } from "./delta.js";
import { tellDifference } from "./difference/section-difference.js";
import type { Section } from "./section.js";
import { encodeColumns } from "./wire-columns.js";
import { encodeSchema } from "./wire-schema.js";
import { encodeGap, encodeVersion } from "./wire-version.js";

type ChunkInit = MessageInitShape<typeof SectionChunkSchema>;

/** What a cell takes at most in a chunk, besides what is packed in it. */
const CELL_BYTES = 10;
/** What a key takes besides its text. */
const KEY_OVERHEAD_BYTES = 4;
/** UTF-8 bytes of a UTF-16 unit, at most. */
const MAX_BYTES_PER_UNIT = 3;

interface Piece {
  readonly keys: GroupKey[];
  readonly rows: (readonly Cell[])[];
  readonly removed: GroupKey[];
}

const encoded = new WeakMap<Transfer, readonly Uint8Array[]>();

/**
 * A transfer as encoded `SectionChunk`s, each of about MESH_CHUNK_BYTES at most, one at
 * least. The same transfer object is encoded once, however many peers it goes to.
 */
export function encodeTransfer(transfer: Transfer): readonly Uint8Array[] {
  let chunks = encoded.get(transfer);
  if (chunks === undefined) {
    const pieces = cut(transfer);
    chunks = pieces.map((piece, index) => encodeChunk(transfer, piece, index, pieces.length));
    encoded.set(transfer, chunks);
  }
  return chunks;
}

const encodedDifferences = new WeakMap<DeltaTransfer, Uint8Array | undefined>();

/**
 * A delta as one encoded `SectionChunk` for a receiver that has the section `base`, at
 * exactly the revision that the delta is from; undefined when it must be told absolutely.
 * Encoded once for all such receivers.
 */
export function encodeDifference(base: Section, delta: DeltaTransfer): Uint8Array | undefined {
  if (!encodedDifferences.has(delta)) encodedDifferences.set(delta, differenceChunk(base, delta));
  return encodedDifferences.get(delta);
}

function differenceChunk(base: Section, delta: DeltaTransfer): Uint8Array | undefined {
  const told = tellDifference(base, delta.changes);
  if (told === undefined) return undefined;
  const { groups, differences, fresh, removed } = told;
  const init: ChunkInit = {
    ...encodeHead(delta, 0, 1),
    from: BigInt(delta.from),
    keys: [...fresh.keys()],
    columns: encodeColumns([...fresh.values()]),
    removed: [...removed],
    difference: { groups, columns: differences },
  };
  const chunk = toBinary(SectionChunkSchema, create(SectionChunkSchema, init));
  return chunk.length > MESH_CHUNK_BYTES ? undefined : chunk;
}

function encodeHead(transfer: Transfer, chunk: number, chunks: number) {
  const { id, to, root } = transfer;
  const gap = transfer.kind === "delta" ? transfer.gap : undefined;
  return {
    ...id,
    to: encodeVersion(to),
    root: fromBinaryKey(root),
    chunk,
    chunks,
    ...(gap === undefined ? {} : { gap: encodeGap(gap) }),
  };
}

function encodeChunk(
  transfer: Transfer,
  { keys, rows, removed }: Piece,
  chunk: number,
  chunks: number,
): Uint8Array {
  const init: ChunkInit = {
    ...encodeHead(transfer, chunk, chunks),
    keys,
    columns: encodeColumns(rows),
    removed,
  };
  if (transfer.kind === "delta") init.from = BigInt(transfer.from);
  else if (chunk === 0) init.schema = encodeSchema(transfer.schema);
  return toBinary(SectionChunkSchema, create(SectionChunkSchema, init));
}

function cut(transfer: Transfer): Piece[] {
  let piece: Piece = { keys: [], rows: [], removed: [] };
  const pieces = [piece];
  let bytes = 0;
  for (const [key, cells] of transfer.changes) {
    if (bytes >= MESH_CHUNK_BYTES) {
      piece = { keys: [], rows: [], removed: [] };
      pieces.push(piece);
      bytes = 0;
    }
    bytes += key.length * MAX_BYTES_PER_UNIT + KEY_OVERHEAD_BYTES;
    if (cells === undefined) {
      piece.removed.push(key);
    } else {
      piece.keys.push(key);
      piece.rows.push(cells);
      for (const cell of cells) bytes += CELL_BYTES + packedBytes(cell);
    }
  }
  return pieces;
}
