import { utf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { SNAPSHOT_CHUNK_BYTES } from "../../shared/limits.js";
import type { Inbound, InboundHandler } from "./acceptor.js";
import { FrameType, makeFrame } from "./frame.js";
import { decodeSnapshotHeader, type SnapshotHeader } from "./snapshot-header.js";

/** Bytes received and not yet written, above which the socket is no longer read. */
const PAUSE_ABOVE_BYTES = 4 * SNAPSHOT_CHUNK_BYTES;

/** Where a snapshot's bytes go. After a rejection or `abort` nothing else is called. */
export interface SnapshotSink {
  write(chunk: Uint8Array): Promise<void>;
  /** All bytes have come; resolves when they are safe on disk and handed over. */
  finish(): Promise<void>;
  /** The transfer ended early. */
  abort(): Promise<void>;
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
  #received = 0;
  #waiting = 0;
  #over = false;

  constructor(inbound: Inbound, intake: SnapshotIntake) {
    this.#inbound = inbound;
    this.#intake = intake;
  }

  frame(type: number, payload: Buffer): void {
    if (this.#over) return;
    if (type === FrameType.snapshotHeader && this.#header === undefined) {
      const header = decodeSnapshotHeader(payload);
      this.#header = header;
      this.#enqueue(0, async () => {
        this.#sink = await this.#intake(this.#inbound.from, header);
      });
    } else if (type === FrameType.snapshotChunk && this.#header !== undefined) {
      this.#received += payload.length;
      if (this.#received > this.#header.sizeBytes) {
        throw new AtollError("DATA_LOSS", "a peer's snapshot is longer than its header says");
      }
      this.#enqueue(payload.length, async () => this.#sink?.write(payload));
    } else if (type === FrameType.snapshotEnd && this.#received === this.#header?.sizeBytes) {
      this.#enqueue(0, async () => {
        await this.#sink?.finish();
        this.#over = true;
        this.#inbound.socket.write(makeFrame(FrameType.snapshotResult, new Uint8Array(0)));
      });
    } else {
      throw new AtollError(
        "DATA_LOSS",
        `a peer's snapshot stream has a frame of type ${type} after ${this.#received} bytes`,
      );
    }
  }

  closed(): void {
    this.#enqueue(0, async () => {
      this.#over = true;
      await this.#sink?.abort();
    });
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
        this.#over = true;
        const reason = errorText(error) || "failed";
        socket.end(makeFrame(FrameType.snapshotResult, utf8(reason)), () => socket.destroy());
      }
      this.#waiting -= bytes;
      if (this.#waiting <= PAUSE_ABOVE_BYTES) socket.resume();
    });
  }
}
