import { connect, type Socket } from "node:net";
import { FrameReader } from "./frame-reader.js";
import { FLAG, FRAME, frame, opening, requestHeaders } from "./frames.js";

/** Stream windows are given back when this many bytes of answers have come. */
const WINDOW_STEP_BYTES = 64 * 1024 * 1024;

/** Told of each finished call: whether an answer came with it, and how large it was. */
export type Finished = (stream: number, bytes: number, failed: boolean) => void;

/** One HTTP/2 connection that issues gRPC calls of one path. */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #headers: Buffer;
  readonly #finished: Finished;
  readonly #answers = new Map<number, number>();
  #nextStream = 1;
  #out: Buffer[] = [];
  #scheduled = false;
  #unacknowledged = 0;

  private constructor(socket: Socket, path: string, target: string, finished: Finished) {
    this.#socket = socket;
    this.#headers = requestHeaders(path, target);
    this.#finished = finished;
    const reader = new FrameReader((...parts) => this.#frame(...parts));
    socket.on("data", (chunk) => reader.take(chunk));
    this.#write(opening());
  }

  /** Connects to `host:port`. */
  static async open(target: string, path: string, finished: Finished): Promise<LoadConnection> {
    const [host, port] = target.split(":");
    const socket = connect({ host: host ?? "", port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => {});
    return new LoadConnection(socket, path, target, finished);
  }

  /** Sends one call; what is sent in one turn goes out in one write. Gives its stream. */
  call(message: Buffer): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#answers.set(stream, 0);
    this.#write(frame(FRAME.HEADERS, FLAG.END_HEADERS, stream, this.#headers));
    this.#write(frame(FRAME.DATA, FLAG.END_STREAM, stream, message));
    return stream;
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(bytes: Buffer): void {
    this.#out.push(bytes);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#socket.write(
        this.#out.length === 1 ? (this.#out[0] as Buffer) : Buffer.concat(this.#out),
      );
      this.#out = [];
    });
  }

  #frame(
    type: number,
    flags: number,
    stream: number,
    bytes: Buffer,
    at: number,
    length: number,
  ): void {
    if (type === FRAME.DATA) {
      this.#answers.set(stream, (this.#answers.get(stream) ?? 0) + length);
      this.#giveBack(length);
      if ((flags & FLAG.END_STREAM) !== 0) this.#end(stream, false);
    } else if (type === FRAME.HEADERS) {
      if ((flags & FLAG.END_STREAM) !== 0) this.#end(stream, false);
    } else if (type === FRAME.RST_STREAM) {
      this.#end(stream, true);
    } else if (type === FRAME.SETTINGS && (flags & FLAG.ACK) === 0) {
      this.#write(frame(FRAME.SETTINGS, FLAG.ACK, 0, Buffer.alloc(0)));
    } else if (type === FRAME.PING && (flags & FLAG.ACK) === 0) {
      this.#write(frame(FRAME.PING, FLAG.ACK, 0, bytes.subarray(at, at + length)));
    }
  }

  #giveBack(length: number): void {
    this.#unacknowledged += length;
    if (this.#unacknowledged < WINDOW_STEP_BYTES) return;
    const update = Buffer.alloc(4);
    update.writeUInt32BE(this.#unacknowledged, 0);
    this.#unacknowledged = 0;
    this.#write(frame(FRAME.WINDOW_UPDATE, 0, 0, update));
  }

  /** A call without an answer's bytes has failed: gRPC sends an error as trailers only. */
  #end(stream: number, reset: boolean): void {
    const bytes = this.#answers.get(stream);
    if (bytes === undefined) return;
    this.#answers.delete(stream);
    this.#finished(stream, bytes, reset || bytes === 0);
  }
}
