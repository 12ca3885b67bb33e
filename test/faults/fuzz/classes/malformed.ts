import { fromBinary } from "@bufbuild/protobuf";
import { SyncResponseSchema } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Random } from "../../../../shared/random.js";
import type { AttackClass } from "../attack.js";
import { frameOf, telling, wordFor } from "../material.js";
import { spoil } from "../spoil.js";

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.int(256));
}

/** Bytes as they were, damaged somewhere. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  switch (random.int(4)) {
    case 0:
      return copy.subarray(0, random.int(copy.length));
    case 1: {
      const at = random.int(copy.length);
      return Uint8Array.from([
        ...copy.subarray(0, at),
        ...randomBytes(random, random.int(9) + 1),
        ...copy.subarray(at),
      ]);
    }
    default:
      for (let i = random.int(8) + 1; i > 0; i--) {
        const at = random.int(copy.length);
        copy[at] = (copy[at] as number) ^ (1 << random.int(8));
      }
      return copy;
  }
}

/** Bits flipped, frames cut off, bytes put between. */
export const damagedBytes: AttackClass = ({ random }) => ({
  what: "frames whose bytes are damaged",
  tamper: (frame, isFirst) => (isFirst ? [frame] : [damaged(frame, random)]),
});

/** Bytes that are no frame at all. */
export const noFrame: AttackClass = ({ random }) => {
  const isRaw = random.chance(0.5);
  const messages = Array.from({ length: 8 }, () => randomBytes(random, random.int(4_000) + 1));
  return { what: "bytes that are no frame", ...(isRaw ? { raw: messages } : { frames: messages }) };
};

/** Fields of another value, number, length or order than they may have. */
export const spoiltFields: AttackClass = ({ random, west }) => {
  const said: string[] = [];
  const frames = Array.from({ length: 12 }, () => {
    const isWhole = random.chance(0.5);
    const since = west.section("machines").version.revision - 1;
    const news = west.transfer("machines", isWhole ? undefined : since);
    const frame = fromBinary(SyncResponseSchema, telling(news, wordFor(west, "machines")));
    for (let i = random.int(2) + 1; i > 0; i--) said.push(spoil(frame, random));
    return frameOf(frame);
  });
  return { what: `spoilt fields: ${said.join(", ")}`, frames };
};

/** The same, in frames of all kinds, on their way. */
export const spoiltOnTheWay: AttackClass = ({ random }) => ({
  what: "fields that are spoilt on the way",
  tamper: (frame, isFirst) => {
    if (isFirst) return [frame];
    const message = fromBinary(SyncResponseSchema, frame);
    spoil(message, random);
    return [frameOf(message)];
  },
});
