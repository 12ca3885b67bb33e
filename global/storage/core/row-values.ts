import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { fromBinaryKey, toBinaryKey } from "../../../shared/bytes.js";
import { AttestationSchema, OrderSchema } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import {
  type AgeMark as AgeMessage,
  KeptRegionSchema,
  KeptSectionSchema,
  KeptSourceSchema,
} from "../../../shared/gen/atoll/storage/v1/storage_pb.js";
import { MAX_CONFLICTING_NONCES, MAX_GAPS_PER_SECTION } from "../../../shared/limits.js";
import type { Attestation, LineagePoint } from "../../digest/attestation.js";
import { ByteReader } from "../../digest/byte-reader.js";
import { ByteWriter } from "../../digest/byte-writer.js";
import type { Cell } from "../../digest/cell.js";
import { readCell, writeCell } from "../../digest/cell-bytes.js";
import type { Gap } from "../../digest/delta.js";
import { HASH_BYTES } from "../../digest/hash.js";
import type { Order } from "../../digest/orders.js";
import type { Schema, SectionClaim } from "../../digest/section.js";
import type { Incarnation } from "../../digest/version.js";
import {
  bytes,
  integer,
  list,
  malformed,
  regionName,
  summaryName,
} from "../../digest/wire-check.js";
import { decodeSchema, encodeSchema } from "../../digest/wire-schema.js";
import {
  decodeAttestation,
  decodeLineage,
  decodeOrder,
  encodeAttestation,
  encodeLineage,
  encodeOrder,
} from "../../digest/wire-trust.js";
import {
  decodeGap,
  decodeIncarnation,
  decodeVersion,
  encodeGap,
  encodeIncarnation,
  encodeVersion,
} from "../../digest/wire-version.js";
import type { AgeMark } from "./clock-reading.js";

/** A section without its groups. */
export interface KeptSection extends SectionClaim {
  readonly schema: Schema;
  /** It is the last one of the definition before. */
  readonly isBefore: boolean;
  /** Lowest revision that deltas can be told from. */
  readonly floor: number;
  /** What was not seen to happen above it. */
  readonly gaps: readonly Gap[];
  /** Number of its origin's word; 0 when there is none. */
  readonly word: number;
  /** Undefined when its age was unknown. */
  readonly age: AgeMark | undefined;
}

/** What else is known of a region. */
export interface KeptRegion {
  readonly region: string;
  /** The words of lives that are in conflict with the one that is held. */
  readonly conflict: readonly Attestation[];
  /** The newest confirmation. */
  readonly confirmed:
    | { readonly incarnation: Incarnation; readonly revision: number; readonly age: AgeMark }
    | undefined;
}

/** How far the own region's store was followed. */
export interface KeptSource {
  readonly incarnation: Incarnation;
  readonly revision: number;
  readonly lineage: LineagePoint | undefined;
}

/** One group's row. */
export interface KeptGroup {
  /** Revision of its last change. */
  readonly changedAt: number;
  /** Undefined when it is gone. */
  readonly cells: readonly Cell[] | undefined;
}

export function encodeKeptSection(kept: KeptSection): Uint8Array {
  const { id, version, root, schema, isBefore, floor, gaps, word, age } = kept;
  return toBinary(
    KeptSectionSchema,
    create(KeptSectionSchema, {
      ...id,
      before: isBefore,
      version: encodeVersion(version),
      root: fromBinaryKey(root),
      schema: encodeSchema(schema),
      floor: BigInt(floor),
      word,
      gaps: gaps.map(encodeGap),
      ...(age === undefined ? {} : { age }),
    }),
  );
}

/** Throws INVALID_ARGUMENT naming the field. So do the others. */
export function decodeKeptSection(row: Uint8Array): KeptSection {
  const message = fromBinary(KeptSectionSchema, row);
  if (message.schema === undefined) malformed("schema", "is missing");
  return {
    id: {
      region: regionName(message.region, "region"),
      summary: summaryName(message.summary, "summary"),
    },
    isBefore: message.before,
    version: decodeVersion(message.version, "version"),
    root: toBinaryKey(bytes(message.root, [HASH_BYTES], "root")),
    schema: decodeSchema(message.schema, "schema"),
    floor: integer(message.floor, 1, "floor"),
    gaps: list(message.gaps, MAX_GAPS_PER_SECTION, "gaps").map((gap, i) =>
      decodeGap(gap, `gaps[${i}]`),
    ),
    word: message.word,
    age: decodeAge(message.age),
  };
}

export function encodeKeptRegion({ region, conflict, confirmed }: KeptRegion): Uint8Array {
  const newest = confirmed && {
    incarnation: encodeIncarnation(confirmed.incarnation),
    revision: BigInt(confirmed.revision),
    age: confirmed.age,
  };
  return toBinary(
    KeptRegionSchema,
    create(KeptRegionSchema, { region, conflict: conflict.map(encodeAttestation), ...newest }),
  );
}

export function decodeKeptRegion(row: Uint8Array): KeptRegion {
  const message = fromBinary(KeptRegionSchema, row);
  const age = decodeAge(message.age);
  const conflict = list(message.conflict, MAX_CONFLICTING_NONCES, "conflict");
  return {
    region: regionName(message.region, "region"),
    conflict: conflict.map((word, i) => decodeAttestation(word, `conflict[${i}]`)),
    confirmed: age && {
      incarnation: decodeIncarnation(message.incarnation, "incarnation"),
      revision: integer(message.revision, 0, "revision"),
      age,
    },
  };
}

function decodeAge(message: AgeMessage | undefined): AgeMark | undefined {
  if (message?.reading === undefined) return undefined;
  const { bootId, bootMs, monotonicMs, wallMs } = message.reading;
  return { reading: { bootId, bootMs, monotonicMs, wallMs }, ageMs: message.ageMs };
}

export function encodeKeptSource({ incarnation, revision, lineage }: KeptSource): Uint8Array {
  return toBinary(
    KeptSourceSchema,
    create(KeptSourceSchema, {
      incarnation: encodeIncarnation(incarnation),
      revision: BigInt(revision),
      ...(lineage === undefined ? {} : { lineage: encodeLineage(lineage) }),
    }),
  );
}

export function decodeKeptSource(row: Uint8Array): KeptSource {
  const message = fromBinary(KeptSourceSchema, row);
  return {
    incarnation: decodeIncarnation(message.incarnation, "incarnation"),
    revision: integer(message.revision, 0, "revision"),
    lineage: message.lineage && decodeLineage(message.lineage, "lineage"),
  };
}

export function encodeKeptWord(word: Attestation): Uint8Array {
  return toBinary(AttestationSchema, encodeAttestation(word));
}

export function decodeKeptWord(row: Uint8Array): Attestation {
  return decodeAttestation(fromBinary(AttestationSchema, row), "word");
}

export function encodeKeptOrder(order: Order): Uint8Array {
  return toBinary(OrderSchema, encodeOrder(order));
}

export function decodeKeptOrder(row: Uint8Array): Order {
  return decodeOrder(fromBinary(OrderSchema, row), "order");
}

const writer = new ByteWriter();
const GONE = 0;
const PRESENT = 1;

/** A group's row. Valid until the next one. */
export function encodeKeptGroup({ changedAt, cells }: KeptGroup): Uint8Array {
  writer.reset();
  writer.varint(changedAt);
  writer.byte(cells === undefined ? GONE : PRESENT);
  for (const cell of cells ?? []) writeCell(writer, cell);
  return writer.written();
}

/** `measures` is how many cells a group of the section has. */
export function decodeKeptGroup(row: Uint8Array, measures: number): KeptGroup {
  const reader = new ByteReader(row, "a group's row");
  const changedAt = reader.varint();
  if (reader.byte() === GONE) return { changedAt, cells: undefined };
  const cells: Cell[] = [];
  for (let i = 0; i < measures; i++) cells.push(readCell(reader));
  if (!reader.atEnd) reader.fail("has more in it than a group's cells");
  return { changedAt, cells };
}
