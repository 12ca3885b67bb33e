import { constants, deflateRawSync, gzipSync } from "node:zlib";
import { CODES } from "../../../../shared/errors.js";
import { MAX_MESH_FRAME_BYTES } from "../../../../shared/limits.js";
import { grpcFrame, rawCall } from "../../raw-grpc.js";
import type { AttackClass } from "../attack.js";
import { frameOf } from "../material.js";

const SYNC = "/atoll.mesh.v1.MeshService/Sync";

function piece(bytes: Uint8Array): Uint8Array {
  const flushed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  return frameOf({ deflated: flushed.subarray(0, flushed.length - 4) });
}

/** What becomes very much, at once. */
export const ratioBombs: AttackClass = ({ random }) => {
  const size = (2 + random.int(100)) * MAX_MESH_FRAME_BYTES;
  return {
    what: `a bomb of ${size} bytes`,
    raw: [piece(new Uint8Array(size))],
    shows: "ended stream",
  };
};

/** Many pieces that each are just below the bound, and mean much work. */
export const manyBombs: AttackClass = () => {
  const many = frameOf({ claims: Array.from({ length: 30_000 }, () => ({})) });
  const frame = piece(many);
  return {
    what: "200 small bombs",
    raw: Array.from({ length: 200 }, () => frame),
    shows: "ended stream",
  };
};

/** Streams that end in the middle, go on after their end, or never flush. */
export const brokenDeflate: AttackClass = ({ random }) => {
  const honest = frameOf({ standings: [], echo: { stampMs: 0 } });
  const ended = frameOf({ deflated: deflateRawSync(honest) });
  const plans: [string, Uint8Array[]][] = [
    ["that ends, and goes on", [ended, ended, ended]],
    [
      "that ends with more behind it",
      [frameOf({ deflated: Buffer.concat([deflateRawSync(honest), honest]) })],
    ],
    [
      "that is cut off",
      [frameOf({ deflated: deflateRawSync(new Uint8Array(5_000)).subarray(0, 4) })],
    ],
    ["that is stored, not deflated", [frameOf({ deflated: deflateRawSync(honest, { level: 0 }) })]],
    ["of reserved blocks", [frameOf({ deflated: Uint8Array.of(0x07, 0xff, 0xff) })]],
    [
      "that refers to before its beginning",
      [frameOf({ deflated: Uint8Array.of(0x63, 0x80, 0x12, 0x00) })],
    ],
    ["in a deflated frame", [piece(piece(honest))]],
  ];
  const [what, raw] = random.pick(plans);
  return { what: `a deflate stream ${what}`, raw: [...raw, honest] };
};

/** gRPC's own compression, which nobody asked for. */
export const gzipBombs: AttackClass = ({ target }) => ({
  what: "a request that gRPC is to unzip",
  act: async () => {
    const body = grpcFrame(gzipSync(new Uint8Array(64 * MAX_MESH_FRAME_BYTES)), true);
    const { status } = await rawCall(target, SYNC, body, true, "gzip");
    const isRefused = status === CODES.RESOURCE_EXHAUSTED || status === CODES.UNIMPLEMENTED;
    if (!isRefused) throw new Error(`a bomb was answered with ${status}`);
  },
});
