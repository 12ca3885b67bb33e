import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell, MeasureKind, PackedKind } from "../../../global/digest/cell.js";
import { followDifference } from "../../../global/digest/difference/cells.js";
import { followSection } from "../../../global/digest/difference/section-difference.js";
import { PACKED } from "../../../global/digest/packed.js";
import { PackedReader } from "../../../global/digest/packed-reader.js";
import { TransferAssembler } from "../../../global/digest/transfer-assembler.js";
import { decodeReport } from "../../../global/digest/wire-report.js";
import { encodeTransfer } from "../../../global/digest/wire-transfer.js";
import { decodeAttestation, decodeOrder } from "../../../global/digest/wire-trust.js";
import { decodeClaims } from "../../../global/digest/wire-version.js";
import { decodeHello } from "../../../global/mesh/core/hello.js";
import { decodeStanding } from "../../../global/mesh/core/wire-standing.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import { AtollError } from "../../../shared/errors.js";
import {
  AttestationSchema,
  DifferenceSchema,
  OrderSchema,
  RegionReportSchema,
  SectionChunkSchema,
  SectionClaimSchema,
} from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { HelloSchema, StandingSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MAX_LISTED_VALUES, MAX_VALUE_BYTES } from "../../../shared/limits.js";
import { cell } from "./arbitrary.js";
import { SCHEMA, usEast } from "./model.js";

/**
 * Whatever bytes come, what reads them either gives something or throws an AtollError: no
 * TypeError, no RangeError, no endless loop; and what it gives is in proportion.
 */
const RUNS = { numRuns: 1_000 };

const KINDS = Object.keys(PACKED) as PackedKind[];
/** Bytes that one cell may come to, whatever it was told by. */
const MOST_CELL_BYTES = MAX_LISTED_VALUES * (MAX_VALUE_BYTES + 24) + 100;

/** Runs it; an AtollError is an answer, too, and any other isn't. */
function answer<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof AtollError) return undefined;
    throw error;
  }
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  // Small numbers, which many fields begin with; and long varints.
  fc
    .array(fc.constantFrom(0, 1, 2, 3, 4, 0x7f, 0x80, 0xff), { maxLength: 60 })
    .map((own) => Uint8Array.from(own)),
);

/** Some bytes of good ones exchanged, dropped or doubled. */
function damaged(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(fc.nat(good.length), fc.nat(3), bytes);
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) =>
    edits.reduce((own, [at, drop, put]) => {
      return Uint8Array.from([...own.subarray(0, at), ...put, ...own.subarray(at + drop)]);
    }, good),
  );
}

describe("packed cells", () => {
  test.each(KINDS)("%s: any bytes are canonical, or refused", (kind) => {
    fc.assert(
      fc.property(bytes, (own) => {
        const packed = toBinaryKey(own);
        const isCanonical = answer(() => {
          PACKED[kind].check(packed, "cell");
          return true;
        });
        // What is canonical is what merging it with nothing gives.
        if (isCanonical === true)
          expect(PACKED[kind].merge([packed], MAX_LISTED_VALUES)).toBe(packed);
      }),
      RUNS,
    );
  });

  test.each(KINDS)("%s: no damage of a good cell passes for another form of it", (kind) => {
    fc.assert(
      fc.property(
        cell(kind).chain((good) =>
          damaged(Uint8Array.from(Buffer.from((good as { packed: string }).packed, "latin1"))),
        ),
        (own) => {
          const packed = toBinaryKey(own);
          const ok = answer(() => {
            PACKED[kind].check(packed, "cell");
            return true;
          });
          if (ok === true) expect(PACKED[kind].merge([packed], MAX_LISTED_VALUES)).toBe(packed);
        },
      ),
      RUNS,
    );
  });
});

describe("differences", () => {
  const kinds: MeasureKind[] = ["count", "sum", "min", "max", ...KINDS];
  test.each(kinds)("%s: any bytes lead to a cell of bounded size, or are refused", (kind) => {
    fc.assert(
      fc.property(cell(kind), bytes, (before, own) => {
        const reader = new PackedReader(toBinaryKey(own), "difference");
        const after: Cell | undefined = answer(() => followDifference(before, reader, "cell"));
        expect(after?.kind ?? kind).toBe(kind);
        if (after === undefined || !("packed" in after) || !("packed" in before)) return;
        expect(after.packed.length).toBeLessThan(before.packed.length + MOST_CELL_BYTES);
        PACKED[after.kind].check(after.packed, "cell");
      }),
      RUNS,
    );
  });

  test("any groups and columns lead to groups that there are, or are refused", () => {
    const base = usEast().section(6);
    const columns = fc.array(bytes, { minLength: 8, maxLength: SCHEMA.measures.length });
    fc.assert(
      fc.property(bytes, columns, (groups, own) => {
        const message = { groups, columns: own };
        const changes = answer(() =>
          followSection(base, { $typeName: DifferenceSchema.typeName, ...message }, "difference"),
        );
        expect(changes?.size ?? 0).toBeLessThanOrEqual(base.content.size);
      }),
      RUNS,
    );
  });
});

describe("messages", () => {
  const READERS: readonly [string, DescMessage, (message: never) => unknown][] = [
    ["chunk", SectionChunkSchema, (message) => new TransferAssembler().add(message)],
    ["claim", SectionClaimSchema, (message) => decodeClaims([message], "claims")],
    ["attestation", AttestationSchema, (message) => decodeAttestation(message, "attestation")],
    ["order", OrderSchema, (message) => decodeOrder(message, "order")],
    ["report", RegionReportSchema, (message) => decodeReport(message, "report")],
    ["standing", StandingSchema, (message) => decodeStanding(message, "standing")],
    ["hello", HelloSchema, (message) => decodeHello(message)],
  ];
  test.each(READERS)("%s: any bytes that are one are taken, or refused", (_, schema, read) => {
    const [good] = encodeTransfer(usEast().whole(6));
    const anyBytes = fc.oneof(bytes, damaged(good ?? new Uint8Array(0)));
    fc.assert(
      fc.property(anyBytes, (own) => {
        let message: ReturnType<typeof fromBinary>;
        try {
          message = fromBinary(schema, own);
        } catch {
          return;
        }
        answer(() => read(message as never));
        expect(toBinary(schema, message).length).toBeLessThanOrEqual(own.length * 2 + 16);
      }),
      RUNS,
    );
  });
});
