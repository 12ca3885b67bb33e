import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell, GroupKey } from "../../../global/digest/cell.js";
import type { Transfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { RETIRED, type Schema } from "../../../global/digest/section.js";
import { TransferAssembler } from "../../../global/digest/transfer-assembler.js";
import { encodeTransfer } from "../../../global/digest/wire-transfer.js";
import {
  MeasureKind,
  type SectionChunk,
  SectionChunkSchema,
} from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { MAX_TRANSFERS_IN_PROGRESS, MESH_CHUNK_BYTES } from "../../../shared/limits.js";
import { key, row } from "./arbitrary.js";
import { cells, digest, groupKey, History, SCHEMA, version } from "./model.js";

const ROOT = "r".repeat(32);
const ID = { region: "us-east", summary: "machines" };

function chunksOf(transfer: Transfer): SectionChunk[] {
  return encodeTransfer(transfer).map((bytes) => fromBinary(SectionChunkSchema, bytes));
}

function roundTrip(transfer: Transfer): Transfer | undefined {
  const assembler = new TransferAssembler();
  let result: Transfer | undefined;
  for (const chunk of chunksOf(transfer)) {
    expect(result).toBeUndefined();
    result = assembler.add(chunk);
  }
  return result;
}

const delta: fc.Arbitrary<Transfer> = fc
  .uniqueArray(fc.tuple(key, fc.option(row, { nil: undefined })), { selector: ([k]) => k })
  .map((entries) => ({
    kind: "delta",
    id: ID,
    to: version(9),
    from: 4,
    changes: new Map<GroupKey, readonly Cell[] | undefined>(entries),
    root: ROOT,
  }));

const whole: fc.Arbitrary<Transfer> = fc
  .uniqueArray(fc.tuple(key, row), { selector: ([k]) => k })
  .map((entries) => ({
    kind: "whole",
    id: ID,
    to: version(9),
    schema: SCHEMA,
    changes: new Map(entries),
    root: ROOT,
  }));

/** A whole section that takes several chunks. */
function large(schema: Schema = SCHEMA): Transfer {
  const changes = new Map<GroupKey, readonly Cell[]>();
  for (let i = 0; i < 1_500; i++) changes.set(groupKey(`${i}-${"x".repeat(200)}`), cells(i));
  return { kind: "whole", id: ID, to: version(9), schema, changes, root: ROOT };
}

describe("transfers", () => {
  test("come off the wire as they went on", () => {
    fc.assert(
      fc.property(fc.oneof(delta, whole), (transfer) => {
        expect(roundTrip(transfer)).toEqual(transfer);
      }),
    );
    const retired: Transfer = { ...large(RETIRED), changes: new Map() };
    expect(roundTrip(retired)).toEqual(retired);
  });

  test("are cut into chunks of a bounded size and commit as one", () => {
    const transfer = large();
    const encoded = encodeTransfer(transfer);
    expect(encoded.length).toBeGreaterThan(2);
    for (const bytes of encoded) expect(bytes.length).toBeLessThan(MESH_CHUNK_BYTES * 1.1);
    expect(encodeTransfer(transfer)).toBe(encoded);
    expect(roundTrip(transfer)).toEqual(transfer);
  });

  test("of several sections may alternate on one stream", () => {
    const [one, two] = [large(), { ...large(), id: { region: "eu-west", summary: "machines" } }];
    const assembler = new TransferAssembler();
    const done: (Transfer | undefined)[] = [];
    const [a, b] = [chunksOf(one), chunksOf(two)];
    a.forEach((chunk, index) => {
      done.push(assembler.add(chunk), assembler.add(b[index] as SectionChunk));
    });
    expect(done.filter((transfer) => transfer !== undefined)).toEqual([one, two]);
  });

  test("begin anew with a first chunk, and are given up when one is missing", () => {
    const [a, b, c] = chunksOf(large()) as [SectionChunk, SectionChunk, SectionChunk];
    const assembler = new TransferAssembler();
    assembler.add(a);
    assembler.add(a);
    assembler.add(b);
    expect(() => assembler.add(b)).toThrow("does not follow the one before it");
    expect(() => assembler.add(c)).toThrow("does not follow the one before it");
    assembler.add(a);
    const other = create(SectionChunkSchema, { ...b, root: new Uint8Array(32) });
    expect(() => assembler.add(other)).toThrow("does not follow the one before it");
  });

  test("in progress on one stream are bounded", () => {
    const assembler = new TransferAssembler();
    const [first] = chunksOf(large()) as [SectionChunk];
    const begin = (i: number): unknown => assembler.add({ ...first, summary: `s${i}` });
    for (let i = 0; i < MAX_TRANSFERS_IN_PROGRESS; i++) begin(i);
    expect(() => begin(MAX_TRANSFERS_IN_PROGRESS)).toThrow("transfers at once");
    begin(0);
  });
});

describe("a malformed chunk", () => {
  const good = chunksOf({
    kind: "whole",
    id: ID,
    to: version(9),
    schema: SCHEMA,
    changes: new Map([[groupKey("a"), cells(1)]]),
    root: ROOT,
  })[0] as SectionChunk;
  const column = (index: number): NonNullable<SectionChunk["columns"][0]> =>
    good.columns[index] as NonNullable<SectionChunk["columns"][0]>;
  const withVersion = (more: object): object => ({ to: { ...good.to, ...more } });
  const withSchema = (more: object): object => ({ schema: { ...good.schema, ...more } });
  const withColumn = (index: number, values: object): object => ({
    columns: good.columns.map((own, at) => (at === index ? { ...own, values } : own)),
  });

  test.each<[string, object, string]>([
    ["region", { region: "US East" }, 'chunk.region "US East" is not a region\'s name'],
    ["summary", { summary: "a\nb" }, "is not a summary's name"],
    ["no version", { to: undefined }, "machines of us-east: chunk 0: to is missing"],
    ["revision 0", withVersion({ revision: 0n }), "to.revision is 0"],
    ["huge revision", withVersion({ revision: 2n ** 60n }), "it must be from 1 to 2^53 - 1"],
    ["definition", withVersion({ definition: 10n }), "is 10, after the revision 9"],
    ["semantics", withVersion({ foldSemantics: 0 }), "to.fold_semantics is 0"],
    ["incarnation", withVersion({ incarnation: undefined }), "to.incarnation is missing"],
    [
      "nonce",
      withVersion({ incarnation: { counter: 1n, nonce: new Uint8Array(3) } }),
      "has 3 bytes",
    ],
    ["root", { root: new Uint8Array(31) }, "root has 31 bytes; it must have 32"],
    ["from", { from: 9n, schema: undefined }, "from is 9; it must be before 9"],
    ["chunk number", { chunk: 1 }, "of 1: at most 4096 are allowed"],
    ["schema in a delta", { from: 4n }, "must have a schema"],
    ["no schema", { schema: undefined }, "must have a schema"],
    ["removed in a whole", { removed: ['["b"]'] }, "which a whole section can't have"],
    ["group twice", { from: 4n, schema: undefined, removed: ['["a"]'] }, "names a group twice"],
    ["group key", { keys: ['["a", 1]'] }, "is not a group key"],
    ["group key kind", { keys: ['[{"a":1}]'] }, "is not a group key"],
    ["group key form", { keys: ["a"] }, "is not a group key"],
    ["group key size", { keys: [JSON.stringify(["x".repeat(2_000)])] }, "of at most 1024 bytes"],
    ["column length", withColumn(0, { case: "counts", value: { values: [] } }), "0 values for 1"],
    ["column kind", withColumn(0, { case: undefined }), "has no values of a kind known here"],
    ["count", withColumn(0, { case: "counts", value: { values: [2n ** 60n] } }), "columns[0] is"],
    ["sum", withColumn(1, { case: "sums", value: { values: [-(2n ** 63n)] } }), "a sum of -2^63"],
    ["min", withColumn(2, { case: "mins", value: { values: [-Infinity] } }), "infinite value"],
    [
      "limit of a set",
      withSchema({ measures: [{ name: "a", kind: MeasureKind.SET, limit: 129 }] }),
      "measures[0].limit is 129; it must be 1 to 128",
    ],
    [
      "limit of a count",
      withSchema({ measures: [{ name: "a", kind: MeasureKind.COUNT, limit: 1 }] }),
      "for sets and tops, else 0",
    ],
    [
      "packed measures",
      withSchema({
        measures: Array.from({ length: 17 }, (_, i) => ({ name: `${i}`, kind: MeasureKind.ANY })),
      }),
      "of kinds that pack, has 17 elements; at most 16",
    ],
    [
      "any",
      withColumn(6, { case: "anys", value: { values: [Uint8Array.of(9)] } }),
      "columns[6] has a value of an unknown kind",
    ],
    [
      "distinct",
      withColumn(4, { case: "distincts", value: { values: [Uint8Array.of(0, 0)] } }),
      "columns[4] has a rank of 0",
    ],
    [
      "quantiles",
      withColumn(5, { case: "quantiles", value: { values: [new Uint8Array(0)] } }),
      "columns[5] holds no values",
    ],
    [
      "fingerprint",
      withSchema({ fingerprint: new Uint8Array(8) }),
      "schema.fingerprint has 8 bytes",
    ],
    ["measure name", withSchema({ measures: [{ name: "", kind: 1 }] }), "is empty or there twice"],
    ["measure kind", withSchema({ measures: [{ name: "a", kind: 99 }] }), "kind 99 is not known"],
    ["scale", withSchema({ measures: [{ name: "a", kind: 1, scale: 2 }] }), "must be 0 to 9 for"],
    ["retired", withSchema({ retired: true }), "must be empty otherwise"],
  ])("(%s) is refused with what is wrong", (_, wrong, message) => {
    expect(column(0).values.case).toBe("counts");
    const chunk = create(SectionChunkSchema, { ...good, ...wrong });
    expect(() => new TransferAssembler().add(chunk)).toThrow(message);
  });

  test("made of random damage never does anything but throw an error of ours or nothing", () => {
    const bytes = toBinary(SectionChunkSchema, good);
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 });
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (edits, cut) => {
        const damaged = bytes.slice(0, cut === 0 ? bytes.length : cut);
        for (const [at, value] of edits) if (at < damaged.length) damaged[at] = value;
        let chunk: SectionChunk;
        try {
          chunk = fromBinary(SectionChunkSchema, damaged);
        } catch {
          return;
        }
        const state = new GlobalState(sha256);
        try {
          const transfer = new TransferAssembler().add(chunk);
          if (transfer !== undefined) expect(state.receive(transfer).kind).toBe("refused");
        } catch (error) {
          expect(error).toMatchObject({ name: "AtollError", code: "INVALID_ARGUMENT" });
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("a state told by wire is the state", () => {
  const history = new History("us-east");
  for (let i = 0; i < 50; i++) history.step({ [`g${i % 7}`]: i % 5 === 0 ? undefined : i });
  const [direct, wired] = [new GlobalState(sha256), new GlobalState(sha256)];
  direct.publish(history.publication(undefined, 10));
  wired.receive(roundTrip(history.whole(10)) as Transfer);
  for (const to of [20, 21, 50]) {
    const have = wired.have(history.id);
    direct.publish(history.publication(direct.section(history.id)?.version.revision, to));
    const transfer = direct.transferSince(history.id, have) as Transfer;
    expect(transfer.kind).toBe("delta");
    expect(wired.receive(roundTrip(transfer) as Transfer).kind).toBe("applied");
    expect(digest(wired)).toEqual(digest(direct));
  }
});
