import { utf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { SNAPSHOT_CHUNK_BYTES } from "../../shared/limits.js";
import { chunkLength } from "../backend/manifest.js";
import type { Inbound, InboundHandler } from "./acceptor.js";
import { FrameType, makeFrame } from "./frame.js";
import {
  decodeSnapshotHeader,
  encodeSnapshotOffset,
  type SnapshotHeader,
} from "./snapshot-header.js";

/** Bytes received and not yet written, above which the socket is no longer read. */
const PAUSE_ABOVE_BYTES = 4 * SNAPSHOT_CHUNK_BYTES;

/** Where a snapshot's chunks go. After a rejection only `close` is called. */
export interface SnapshotSink {
  /** Bytes that an earlier transfer has brought: whole chunks. */
  readonly resumedBytes: number;
  /** Takes the next chunk; rejects when it isn't what the header's manifest says. */
  write(chunk: Uint8Array): Promise<void>;
  /** All chunks have come; resolves when they are safe on disk and handed over. */
  finish(): Promise<void>;
  /** The transfer is over, early or not. */
  close(): Promise<void>;
}

/** Opens a sink for a snapshot that a member offers; rejects to decline it. */
export type SnapshotIntake = (from: number, header: SnapshotHeader) => Promise<SnapshotSink>;

/** Takes one snapshot off a connection, a frame at a time, in order. */
export class SnapshotReceiver implements InboundHandler {
  readonly #inbound: Inbound;
  readonly #intake: SnapshotIntake;
  #work: Promise<void> = Promise.resolve();
  #header: SnapshotHeader | undefined;
  #sink: SnapshotSink | undefined;
  /** The chunk that comes next; undefined until the sender was told which. */
  #next: number | undefined;
  #waiting = 0;
  #over = false;

  constructor(inbound: Inbound, intake: SnapshotIntake) {
    this.#inbound = inbound;
    this.#intake = intake;
  }

  frame(type: number, payload: Buffer): void {
    if (this.#over) return;
    if (type === FrameType.snapshotHeader && this.#header === undefined) {
      this.#begin(decodeSnapshotHeader(payload));
    } else if (type === FrameType.snapshotChunk && payload.length === this.#expected()) {
      this.#next = (this.#next ?? 0) + 1;
      this.#enqueue(payload.length, async () => this.#sink?.write(payload));
    } else if (type === FrameType.snapshotEnd && this.#expected() === 0) {
      this.#enqueue(0, async () => {
        await this.#sink?.finish();
        this.#end("");
      });
    } else {
      throw new AtollError(
        "DATA_LOSS",
        `a peer's snapshot stream has a frame of type ${type} with ${payload.length} bytes ` +
          `where chunk ${this.#next ?? "none"} is due`,
      );
    }
  }

  closed(): void {
    this.#enqueue(0, async () => this.#end(undefined));
  }

  #begin(header: SnapshotHeader): void {
    this.#header = header;
    const { socket, from } = this.#inbound;
    this.#enqueue(0, async () => {
      this.#sink = await this.#intake(from, header);
      const { resumedBytes } = this.#sink;
      this.#next = Math.ceil(resumedBytes / header.manifest.chunkBytes);
      socket.write(makeFrame(FrameType.snapshotOffset, encodeSnapshotOffset(resumedBytes)));
    });
  }

  /** Bytes of the next chunk; 0 when all have come, -1 while none may come. */
  #expected(): number {
    if (this.#header === undefined || this.#next === undefined) return -1;
    return chunkLength(this.#header.manifest, this.#next);
  }

  /** Ends the transfer and says so: "" for success, else the reason; undefined: nobody listens. */
  #end(result: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const { socket } = this.#inbound;
    void this.#sink?.close();
    if (result === undefined) return;
    const frame = makeFrame(FrameType.snapshotResult, utf8(result));
    if (result === "") socket.write(frame);
    else socket.end(frame, () => socket.destroy());
  }

  /** Does the work after all that came before, unless that has failed. */
  #enqueue(bytes: number, work: () => Promise<void>): void {
    const { socket } = this.#inbound;
    this.#waiting += bytes;
    if (this.#waiting > PAUSE_ABOVE_BYTES) socket.pause();
    this.#work = this.#work.then(async () => {
      if (this.#over) return;
      try {
        await work();
      } catch (error) {
        this.#end(errorText(error) || "failed");
      }
      this.#waiting -= bytes;
      if (this.#waiting <= PAUSE_ABOVE_BYTES) socket.resume();
    });
  }
}
