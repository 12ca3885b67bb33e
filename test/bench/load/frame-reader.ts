import { FRAME_HEADER_BYTES } from "./frames.js";

/** Told of each frame; its payload is `bytes` from `at` on, valid during the call. */
export type OnFrame = (
  type: number,
  flags: number,
  stream: number,
  bytes: Buffer,
  at: number,
  length: number,
) => void;

const NOTHING = Buffer.alloc(0);

/** Cuts what comes off a connection into HTTP/2 frames. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #rest: Buffer = NOTHING;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Takes what came next. */
  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < FRAME_HEADER_BYTES + length) break;
      const stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
      const payload = at + FRAME_HEADER_BYTES;
      this.#onFrame(
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        stream,
        bytes,
        payload,
        length,
      );
      at = payload + length;
    }
    this.#rest = at === bytes.length ? NOTHING : bytes.subarray(at);
  }
}
