import { create } from "@bufbuild/protobuf";
import { encodeVersion } from "../../../../global/digest/wire-version.js";
import { fromBinaryKey } from "../../../../shared/bytes.js";
import {
  DifferenceSchema,
  type SectionChunk,
  SectionChunkSchema,
} from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { SCHEMA } from "../../../global/digest/model.js";
import type { AttackClass } from "../attack.js";
import { chunksOf, telling, wholeOf, wordFor } from "../material.js";

/** Differences told from another version than the receiver has, and such as lead nowhere. */
export const wrongDifferences: AttackClass = ({ random, west }) => {
  const published = west.past.filter(({ id }) => id.summary === "machines");
  const [held, next] = published.slice(-2);
  if (held === undefined || next === undefined) throw new Error("the region has published twice");
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.int(256));
  const column = (): Uint8Array =>
    random.pick([new Uint8Array(0), bytes(random.int(60)), bytes(3)]);
  const chunk = (from: number): SectionChunk =>
    create(SectionChunkSchema, {
      ...next.id,
      to: encodeVersion(next.version),
      from: BigInt(from),
      root: fromBinaryKey(next.root),
      chunks: 1,
      difference: create(DifferenceSchema, {
        groups: random.pick([bytes(random.int(9)), Uint8Array.of(0), Uint8Array.of(0xfe, 0x7f)]),
        columns: SCHEMA.measures.slice(random.int(2)).map(column),
      }),
    });
  const word = wordFor(west, "machines");
  // What the differences are from is brought on the stream first.
  const base = telling(wholeOf(held));
  const { revision } = held.version;
  const frames = Array.from({ length: 8 }, () =>
    telling([chunk(random.pick([revision, revision, revision - 1, 0]))], word),
  );
  return { what: "differences that lead nowhere", frames: [base, ...frames] };
};

/** True differences that come twice, or before what they are from. */
export const strayDifferences: AttackClass = ({ random }) => {
  const kept: Uint8Array[] = [];
  return {
    what: "differences out of their order",
    tamper: (frame, isFirst) => {
      if (isFirst) return [frame];
      kept.push(frame);
      if (kept.length < 3) return [];
      return [random.pick(kept), frame, ...kept.splice(0).reverse()];
    },
  };
};

/** A section whole in the guise of differences. */
export const mixedDifferences: AttackClass = ({ west }) => {
  const [whole] = chunksOf(west.transfer("machines"));
  if (whole === undefined) throw new Error("a section has a chunk at least");
  const difference = create(DifferenceSchema, { groups: new Uint8Array(0), columns: [] });
  const frame = telling([{ ...whole, difference }], wordFor(west, "machines"));
  return { what: "a whole section with differences in it", frames: [frame] };
};
