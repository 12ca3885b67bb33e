import { deflateRawSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FrameDeflater, FrameInflater } from "../../../global/mesh/deflate.js";
import { AtollError } from "../../../shared/errors.js";
import {
  type SyncResponse,
  SyncResponseSchema,
} from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_MESH_FRAME_BYTES,
  MESH_INFLATE_FREE_BYTES,
  MESH_INFLATE_RATIO,
} from "../../../shared/limits.js";
import { seededRandom } from "../../../shared/random.js";

/** One deflate context a stream: small frames cost little, and bombs end the stream. */

let deflater: FrameDeflater;
let inflater: FrameInflater;

beforeEach(() => {
  deflater = new FrameDeflater();
  inflater = new FrameInflater();
});

afterEach(() => {
  deflater.close();
  inflater.close();
});

/** A frame with removed groups' names for ballast. */
function frameOf(names: readonly string[]): SyncResponse {
  return create(SyncResponseSchema, {
    chunks: [{ region: "us-east", summary: "machines", removed: [...names], chunks: 1 }],
  });
}

async function carry(frame: SyncResponse): Promise<{ wire: SyncResponse; length: number }> {
  const bytes = await deflater.pack(toBinary(SyncResponseSchema, frame));
  const wire = fromBinary(SyncResponseSchema, bytes);
  expect(await inflater.unpack(wire)).toEqual(frame);
  return { wire, length: bytes.length };
}

test("a frame of nothing leaves both ends where they can go on", async () => {
  await carry(frameOf(["a"]));
  await carry(frameOf(["a", "b"]));
  await carry(create(SyncResponseSchema));
  await carry(frameOf(["a", "b"]));
});

function bomb(size: number): SyncResponse {
  return create(SyncResponseSchema, { deflated: deflateRawSync(Buffer.alloc(size)) });
}

test("the first frame goes plain, later ones by what went before them", async () => {
  const random = seededRandom(7);
  const names = Array.from({ length: 50 }, () => `group-${random.int(2 ** 31)}`);
  const first = await carry(frameOf(names));
  expect(first.wire.deflated).toHaveLength(0);
  const second = await carry(frameOf(names));
  const third = await carry(frameOf(names));
  expect(second.length).toBeLessThan(first.length);
  expect(third.length).toBeLessThan(30);
});

test("frames of all sizes come out as they were", async () => {
  const random = seededRandom(8);
  for (let round = 0; round < 60; round++) {
    const count = random.int(4) === 0 ? random.int(20_000) : random.int(20);
    await carry(frameOf(Array.from({ length: count }, () => `${random.int(2 ** 31)}`)));
  }
});

test("what shrinks more than a receiver accepts goes plain, and the context begins anew", async () => {
  await carry(frameOf(["a"]));
  const dense = frameOf(Array.from({ length: 60 }, () => "x".repeat(10_000)));
  expect((await carry(dense)).wire.deflated).toHaveLength(0);
  expect((await carry(frameOf(["a"]))).wire.deflated.length).toBeGreaterThan(0);
});

test("a bomb is refused by its ratio and by its size", async () => {
  const within = new FrameInflater().unpack(bomb(MESH_INFLATE_FREE_BYTES));
  await expect(within).rejects.not.toThrow("becomes more");
  const dense = bomb(MAX_MESH_FRAME_BYTES / 2);
  const most = dense.deflated.length * MESH_INFLATE_RATIO;
  expect(most).toBeGreaterThan(MESH_INFLATE_FREE_BYTES);
  await expect(inflater.unpack(dense)).rejects.toThrow(`becomes more than the ${most} bytes`);
  const large = new FrameInflater().unpack(bomb(64 * MAX_MESH_FRAME_BYTES));
  await expect(large).rejects.toThrow(`becomes more than the ${MAX_MESH_FRAME_BYTES} bytes`);
});

test("what isn't deflated, holds nothing or another deflated frame is refused", async () => {
  const broken = create(SyncResponseSchema, { deflated: Uint8Array.of(0xff, 0xff, 0xff) });
  await expect(inflater.unpack(broken)).rejects.toThrow("deflated: invalid ");
  const nothing = create(SyncResponseSchema, { deflated: deflateRawSync(new Uint8Array(0)) });
  await expect(new FrameInflater().unpack(nothing)).rejects.toThrow("holds no frame");
  const nested = create(SyncResponseSchema, {
    deflated: deflateRawSync(toBinary(SyncResponseSchema, bomb(10))),
  });
  await expect(new FrameInflater().unpack(nested)).rejects.toThrow("holds no frame");
});

test("a stream whose context was ended carries nothing more", async () => {
  const frame = toBinary(SyncResponseSchema, frameOf(["a"]));
  const last = create(SyncResponseSchema, { deflated: deflateRawSync(frame) });
  expect(await inflater.unpack(last)).toEqual(frameOf(["a"]));
  await expect(inflater.unpack(last)).rejects.toThrow("deflated: ");
});

/** A piece that ends the deflate stream, which no sender's does. */
function ending(size: number): SyncResponse {
  return create(SyncResponseSchema, { deflated: deflateRawSync(new Uint8Array(size)) });
}

test("whatever bytes come, each piece is taken or refused, and none is waited for in vain", async () => {
  const piece = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((deflated) => ({ deflated })),
    fc.nat(400).map((size) => ending(size)),
    fc.nat(300).map((at) => ({
      deflated: deflateRawSync(Buffer.from(frameOf(["a"]).chunks[0]?.region ?? "")).subarray(0, at),
    })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => {
      const own = new FrameInflater();
      for (const init of pieces) {
        const outcome = await own
          .unpack(create(SyncResponseSchema, { deflated: init.deflated }))
          .then(() => undefined)
          .catch((error: unknown) => error);
        if (outcome === undefined) continue;
        expect(outcome).toBeInstanceOf(AtollError);
        break;
      }
      own.close();
    }),
    { numRuns: 300 },
  );
});
