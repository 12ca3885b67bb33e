import { fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePut, type PutFields } from "../../../regional/store/put-decoder.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import { PutRequestSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";

interface Plain {
  readonly key: string;
  readonly value: string;
  readonly lease: bigint;
  readonly flags: readonly boolean[];
}

function plain(put: PutFields): Plain {
  return {
    key: put.key,
    value: toBinaryKey(put.source.subarray(put.valueStart, put.valueEnd)),
    lease: put.lease,
    flags: [put.prevKv, put.ignoreValue, put.ignoreLease],
  };
}

/** What protobuf-es reads; undefined when it refuses. */
function reference(bytes: Uint8Array): Plain | undefined {
  try {
    const put = fromBinary(PutRequestSchema, bytes);
    return {
      key: toBinaryKey(put.key),
      value: toBinaryKey(put.value),
      lease: put.lease,
      flags: [put.prevKv, put.ignoreValue, put.ignoreLease],
    };
  } catch {
    return undefined;
  }
}

function decoded(bytes: Uint8Array): Plain | undefined {
  // As in an entry: something stands before the body.
  const data = Buffer.concat([Buffer.from("head"), bytes]);
  try {
    return plain(decodePut(data, 4));
  } catch {
    return undefined;
  }
}

const bytes = fc.uint8Array({ maxLength: 200 });
const int64 = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(0n, 300n));

type Field = (writer: BinaryWriter) => BinaryWriter;

const field: fc.Arbitrary<Field> = fc.oneof(
  bytes.map(
    (value): Field =>
      (writer) =>
        writer.tag(1, WireType.LengthDelimited).bytes(value),
  ),
  bytes.map(
    (value): Field =>
      (writer) =>
        writer.tag(2, WireType.LengthDelimited).bytes(value),
  ),
  int64.map(
    (value): Field =>
      (writer) =>
        writer.tag(3, WireType.Varint).int64(value),
  ),
  fc.tuple(fc.constantFrom(4, 5, 6), fc.boolean()).map(
    ([no, value]): Field =>
      (writer) =>
        writer.tag(no, WireType.Varint).bool(value),
  ),
  // A bool that is neither 0 nor 1.
  fc.tuple(fc.constantFrom(4, 5, 6), fc.nat(1000)).map(
    ([no, value]): Field =>
      (writer) =>
        writer.tag(no, WireType.Varint).uint32(value),
  ),
  // Fields that PutRequest doesn't have, and wire types that its fields don't have.
  fc.tuple(fc.integer({ min: 1, max: 40 }), bytes).map(
    ([no, value]): Field =>
      (writer) =>
        writer.tag(no, WireType.LengthDelimited).bytes(value),
  ),
  fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat()).map(
    ([no, value]): Field =>
      (writer) =>
        writer.tag(no, WireType.Bit32).fixed32(value),
  ),
);

describe("a put is decoded as protobuf-es decodes it", () => {
  test("from any fields in any order, repeated, unknown", () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
        const writer = new BinaryWriter();
        for (const write of fields) write(writer);
        const body = writer.finish();
        expect(decoded(body)).toEqual(reference(body));
      }),
      { numRuns: 2000 },
    );
  });

  test("from bytes that are cut off or changed", () => {
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 4 }),
        fc.nat(),
        fc.nat(255),
        fc.boolean(),
        (fields, place, byte, cut) => {
          const writer = new BinaryWriter();
          for (const write of fields) write(writer);
          let body = writer.finish();
          if (body.length === 0) return;
          if (cut) body = body.slice(0, place % body.length);
          else body[place % body.length] = byte;
          expect(decoded(body)).toEqual(reference(body));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("from any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
        expect(decoded(body)).toEqual(reference(body));
      }),
      { numRuns: 3000 },
    );
  });
});
