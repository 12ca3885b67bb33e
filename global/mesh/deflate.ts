import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  type InflateRaw,
} from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AtollError, errorText } from "../../shared/errors.js";
import { type SyncResponse, SyncResponseSchema } from "../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_MESH_FRAME_BYTES,
  MESH_INFLATE_FREE_BYTES,
  MESH_INFLATE_RATIO,
} from "../../shared/limits.js";

/** What every flushed piece ends with (RFC 1951, an empty stored block); left out on the wire, as RFC 7692 does. */
const FLUSHED = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** Bytes that a deflated piece may become. */
function mostInflated(deflated: number): number {
  const byRatio = Math.max(MESH_INFLATE_FREE_BYTES, deflated * MESH_INFLATE_RATIO);
  return Math.min(MAX_MESH_FRAME_BYTES, byRatio);
}

/** One direction of a raw-deflate context: pieces in, pieces out, one at a time. */
class Context {
  readonly #stream: DeflateRaw | InflateRaw;
  #parts: Uint8Array[] = [];
  #size = 0;
  #most = 0;
  #fail: ((error: Error) => void) | undefined;

  constructor(stream: DeflateRaw | InflateRaw) {
    this.#stream = stream;
    stream.on("data", (part: Uint8Array) => this.#gather(part));
    stream.on("error", (error) => this.#fail?.(error));
  }

  #gather(part: Uint8Array): void {
    this.#parts.push(part);
    this.#size += part.length;
    // Nothing more of it is worked on.
    if (this.#size > this.#most) this.#stream.destroy();
  }

  /** What a piece becomes; rejects beyond `most` bytes, and the context is of no use then. */
  async run(piece: Uint8Array, most: number): Promise<Uint8Array> {
    this.#parts = [];
    this.#size = 0;
    this.#most = most;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#stream.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    // Reading tells "data" of what the stream still buffers.
    while (this.#stream.read() !== null);
    if (this.#size > most) {
      throw new Error(`becomes more than the ${most} bytes that it may`);
    }
    return Buffer.concat(this.#parts);
  }

  reset(): void {
    this.#stream.reset();
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** The sender's end of a stream's deflate context. Frames go through one at a time. */
export class FrameDeflater {
  /** Takes 256 KiB, so a stream that doesn't say who it is has none. */
  #context: Context | undefined;
  #isFirst = true;

  /**
   * An encoded SyncResponse as it is sent. The first is left as it is, so that any peer can
   * read its hello, and one that shrinks more than receivers accept, which begins anew.
   */
  async pack(frame: Uint8Array): Promise<Uint8Array> {
    if (this.#isFirst || frame.length === 0) {
      this.#isFirst = false;
      // Nothing has no deflated form, and what comes plain begins the receiver's context anew.
      this.#context?.reset();
      return frame;
    }
    this.#context ??= new Context(createDeflateRaw({ flush: constants.Z_SYNC_FLUSH }));
    const flushed = await this.#context.run(frame, Number.POSITIVE_INFINITY);
    const deflated = flushed.subarray(0, flushed.length - FLUSHED.length);
    if (frame.length > mostInflated(deflated.length)) {
      this.#context.reset();
      return frame;
    }
    return toBinary(SyncResponseSchema, create(SyncResponseSchema, { deflated }));
  }

  close(): void {
    this.#context?.close();
  }
}

/** The receiver's end. */
export class FrameInflater {
  readonly #context = new Context(createInflateRaw({ flush: constants.Z_SYNC_FLUSH }));

  /**
   * The frame that came as this one. Rejects when it isn't deflated, or would become more
   * than MESH_INFLATE_RATIO times its length or than MAX_MESH_FRAME_BYTES; the stream can't
   * go on then.
   */
  async unpack(frame: SyncResponse): Promise<SyncResponse> {
    const { deflated } = frame;
    if (deflated.length === 0) {
      this.#context.reset();
      return frame;
    }
    return this.#inflate(deflated).catch((error) => {
      throw new AtollError("INVALID_ARGUMENT", `deflated: ${errorText(error)}`);
    });
  }

  async #inflate(deflated: Uint8Array): Promise<SyncResponse> {
    const piece = Buffer.concat([deflated, FLUSHED]);
    const inflated = await this.#context.run(piece, mostInflated(deflated.length));
    const frame = fromBinary(SyncResponseSchema, inflated);
    if (inflated.length === 0 || frame.deflated.length > 0) throw new Error("holds no frame");
    return frame;
  }

  close(): void {
    this.#context.close();
  }
}
