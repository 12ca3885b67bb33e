import { create, fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { Cell, GroupKey } from "../../../global/digest/cell.js";
import type { Transfer } from "../../../global/digest/delta.js";
import { mostGroups, type Schema } from "../../../global/digest/section.js";
import { TransferAssembler } from "../../../global/digest/transfer-assembler.js";
import { encodeValue } from "../../../global/digest/values/value-code.js";
import { packSet } from "../../../global/digest/values/value-set.js";
import { encodeTransfer } from "../../../global/digest/wire-transfer.js";
import { encodeVersion } from "../../../global/digest/wire-version.js";
import {
  type SectionChunk,
  SectionChunkSchema,
} from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import {
  MAX_CELLS_PER_SECTION,
  MAX_GROUPS_PER_SECTION,
  MAX_MEASURES_PER_SUMMARY,
  MAX_MESH_FRAME_BYTES,
  MAX_PACKED_BYTES_PER_SECTION,
  MAX_PACKED_MEASURES,
  MAX_TOMBSTONES_PER_SECTION,
  MAX_TRANSFER_KEY_BYTES,
  MAX_TRANSFER_MEMORY_BYTES,
} from "../../../shared/limits.js";
import { groupKey, newState, version } from "./model.js";

/** The largest set there is: 128 values of 255 bytes. */
const codes = Array.from({ length: 128 }, (_, i) => encodeValue(`${100 + i}${"x".repeat(252)}`));
const LARGEST: Cell = { kind: "set", packed: packSet({ codes, truncated: true }) };
const ROW = Array.from({ length: MAX_PACKED_MEASURES }, () => LARGEST);
const ROW_BYTES = MAX_PACKED_MEASURES * LARGEST.packed.length;

const SCHEMA: Schema = {
  fingerprint: "ab".repeat(32),
  groupBy: ["value.app"],
  measures: ROW.map((_, i) => ({ name: `m${i}`, kind: "set", scale: 0, limit: 128 })),
  retired: false,
};

function rows(from: number, count: number): Map<GroupKey, readonly Cell[]> {
  return new Map(Array.from({ length: count }, (_, i) => [groupKey(from + i), ROW]));
}

function whole(count: number): Transfer {
  const id = { region: "us-east", summary: "wide" };
  const changes = rows(0, count);
  return { kind: "whole", id, to: version(3), schema: SCHEMA, changes, root: "r".repeat(32) };
}

const MOST = Math.floor(MAX_PACKED_BYTES_PER_SECTION / ROW_BYTES);

test("a frame has room for the largest group", () => {
  const chunks = encodeTransfer(whole(3));
  expect(chunks.length).toBe(3);
  for (const chunk of chunks) expect(chunk.length).toBeLessThan(MAX_MESH_FRAME_BYTES);
});

test("a transfer of more packed bytes than a section may have is given up on the way", () => {
  const gather = (count: number): Transfer | undefined => {
    const assembler = new TransferAssembler();
    let result: Transfer | undefined;
    for (const bytes of encodeTransfer(whole(count))) {
      result = assembler.add(fromBinary(SectionChunkSchema, bytes));
    }
    return result;
  };
  expect(gather(MOST)?.changes.size).toBe(MOST);
  expect(() => gather(MOST + 1)).toThrow("bytes of packed cells");
});

test("a section doesn't grow beyond that by deltas", () => {
  const state = newState();
  const id = { region: "us-east", summary: "wide" };
  const publish = (count: number) =>
    state.publish({ id, to: version(3), from: undefined, schema: SCHEMA, changes: rows(0, count) });
  publish(MOST - 1);
  const delta = (from: number, root: string) =>
    state.receive({
      kind: "delta",
      id,
      to: version(4),
      from: 3,
      changes: rows(from, 2),
      root,
    });
  expect(delta(MOST, "r".repeat(32))).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("bytes of packed cells are more than"),
  });
});

/** A chunk of 1,000 groups of 64 counts each: little to say, much to keep. */
function counts(summary: string, chunk: number): SectionChunk {
  const measures = Array.from({ length: 64 }, (_, i) => ({ name: `m${i}`, kind: 1 }));
  const keys = Array.from({ length: 1_000 }, (_, i) => groupKey(`${chunk}-${i}`));
  const values = { case: "counts" as const, value: { values: keys.map(() => 1n) } };
  return create(SectionChunkSchema, {
    region: "us-east",
    summary,
    to: encodeVersion(version(3)),
    root: new Uint8Array(32),
    chunk,
    chunks: 4_000,
    ...(chunk === 0 ? { schema: { fingerprint: new Uint8Array(32), measures } } : {}),
    keys,
    columns: measures.map(() => ({ values })),
  });
}

test("a transfer of more cells than a section may have is given up on the way", () => {
  const assembler = new TransferAssembler();
  const most = Math.floor(MAX_CELLS_PER_SECTION / 64_000);
  for (let chunk = 0; chunk < most; chunk++) assembler.add(counts("a", chunk));
  expect(() => assembler.add(counts("a", most))).toThrow("cells");
});

test("transfers under way take no more memory together than one may", () => {
  const assembler = new TransferAssembler();
  const chunkBytes = 64_000 * 48;
  const most = Math.ceil(MAX_TRANSFER_MEMORY_BYTES / chunkBytes);
  expect(() => {
    for (let i = 0; i < most; i++) assembler.add(counts(`s${i % 60}`, Math.floor(i / 60)));
  }).toThrow("bytes of memory");
});

test("with many measures a section has fewer groups", () => {
  expect(mostGroups(1)).toBe(MAX_GROUPS_PER_SECTION);
  expect(mostGroups(64)).toBe(MAX_CELLS_PER_SECTION / 64);
});

test("a chunk has no more columns than a summary has measures", () => {
  const chunk = counts("a", 0);
  const [column] = chunk.columns;
  if (column === undefined) throw new Error("it has columns");
  while (chunk.columns.length <= MAX_MEASURES_PER_SUMMARY) chunk.columns.push(column);
  expect(() => new TransferAssembler().add(chunk)).toThrow("columns has 65 elements; at most 64");
});

test("a section of more groups than it may have with its measures isn't taken", () => {
  const measures = Array.from({ length: 64 }, (_, i) => ({
    ...{ name: `m${i}`, kind: "count" as const },
    ...{ scale: 0, limit: 0 },
  }));
  const row: Cell[] = measures.map(() => ({ kind: "count", count: 1 }));
  const changes = new Map<GroupKey, readonly Cell[]>();
  for (let i = 0; i <= mostGroups(64); i++) changes.set(groupKey(i), row);
  const schema = { ...SCHEMA, measures };
  expect(newState().receive({ ...whole(0), kind: "whole", schema, changes })).toMatchObject({
    reason: "invalid",
    message: expect.stringContaining(`${mostGroups(64) + 1} groups are more than`),
  });
});

test("a transfer of more bytes of group keys than one may bring is given up on the way", () => {
  const assembler = new TransferAssembler();
  const long = "x".repeat(1_000);
  const named = (chunk: number): SectionChunk => ({
    ...counts("a", chunk),
    keys: Array.from({ length: 1_000 }, (_, i) => groupKey(`${chunk}-${i}${long}`)),
    columns: counts("a", chunk).columns.slice(0, 1),
  });
  const most = Math.floor(MAX_TRANSFER_KEY_BYTES / 1_020_000);
  for (let chunk = 0; chunk < most; chunk++) assembler.add(named(chunk));
  expect(() => {
    for (let chunk = most; chunk < most + 3; chunk++) assembler.add(named(chunk));
  }).toThrow("bytes of group keys");
});

test("a delta of more groups than a section may have and remember is given up on the way", () => {
  const assembler = new TransferAssembler();
  const delta = (chunk: number): SectionChunk => {
    const keys = Array.from({ length: 10_000 }, (_, i) => groupKey(`${chunk}-${i}`));
    const values = { case: "counts" as const, value: { values: keys.map(() => 1n) } };
    const head = { region: "us-east", summary: "a", to: encodeVersion(version(3)), from: 2n };
    const rest = { root: new Uint8Array(32), chunk, chunks: 100, keys, columns: [{ values }] };
    return create(SectionChunkSchema, { ...head, ...rest });
  };
  const most = (MAX_GROUPS_PER_SECTION + MAX_TOMBSTONES_PER_SECTION) / 10_000;
  for (let chunk = 0; chunk < most; chunk++) assembler.add(delta(chunk));
  expect(() => assembler.add(delta(most))).toThrow("keys has 10000 elements; at most 0");
});
