import { connect, type Socket } from "node:net";
import { FrameReader } from "./frame-reader.js";
import { bareOpening, FLAG, FRAME, frame, grpcMessage, opening, requestHeaders } from "./frames.js";

/** Both windows are given back when this many bytes have come. */
const WINDOW_STEP_BYTES = 64 * 1024 * 1024;
const GRPC_HEADER_BYTES = 5;
const STREAM = 1;
const NOTHING = Buffer.alloc(0);

/** A long-lived gRPC call, and whom to tell of what comes. */
export interface StreamCall {
  /** host:port */
  readonly target: string;
  readonly path: string;
  readonly request: Uint8Array;
  /** No further request follows. */
  readonly halfClose: boolean;
  /** It reads with the smallest windows, and never gives back what it has read of them. */
  readonly stalls?: boolean;
  /** Each message that comes, valid during the call. */
  readonly onMessage: (message: Buffer) => void;
  /** The stream or its connection has ended, which it should not. */
  readonly onEnd: (reason: string) => void;
}

/** One HTTP/2 connection with one gRPC stream on it, as one subscriber has it. */
export class StreamConnection {
  readonly #socket: Socket;
  readonly #call: StreamCall;
  #rest: Buffer = NOTHING;
  #unacknowledged = 0;
  #closed = false;

  private constructor(socket: Socket, call: StreamCall) {
    this.#socket = socket;
    this.#call = call;
    const reader = new FrameReader((...parts) => this.#frame(...parts));
    socket.on("data", (chunk) => reader.take(chunk));
    socket.on("close", () => this.#end("the connection was closed"));
    socket.write(
      Buffer.concat([
        call.stalls === true ? bareOpening() : opening(),
        frame(FRAME.HEADERS, FLAG.END_HEADERS, STREAM, requestHeaders(call.path, call.target)),
        frame(FRAME.DATA, call.halfClose ? FLAG.END_STREAM : 0, STREAM, grpcMessage(call.request)),
      ]),
    );
  }

  /** Connects and makes the call. */
  static async open(call: StreamCall): Promise<StreamConnection> {
    const [host, port] = call.target.split(":");
    const socket = connect({ host: host ?? "", port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => {});
    return new StreamConnection(socket, call);
  }

  /** Bytes that have come, all of them: frames' headers too. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #end(reason: string): void {
    if (!this.#closed) this.#call.onEnd(reason);
    this.close();
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
      this.#data(bytes.subarray(at, at + length));
      if (this.#call.stalls !== true) this.#giveBack(length);
    } else if (type === FRAME.SETTINGS && (flags & FLAG.ACK) === 0) {
      this.#socket.write(frame(FRAME.SETTINGS, FLAG.ACK, 0, NOTHING));
    } else if (type === FRAME.PING && (flags & FLAG.ACK) === 0) {
      this.#socket.write(frame(FRAME.PING, FLAG.ACK, 0, bytes.subarray(at, at + length)));
    } else if (type === FRAME.RST_STREAM || type === FRAME.GOAWAY) {
      this.#end(`the server ended it by a frame of type ${type}`);
    }
    if (stream === STREAM && type !== FRAME.WINDOW_UPDATE && (flags & FLAG.END_STREAM) !== 0) {
      this.#end("the server ended the stream");
    }
  }

  #data(payload: Buffer): void {
    const bytes = this.#rest.length === 0 ? payload : Buffer.concat([this.#rest, payload]);
    let at = 0;
    while (bytes.length - at >= GRPC_HEADER_BYTES) {
      const end = at + GRPC_HEADER_BYTES + bytes.readUInt32BE(at + 1);
      if (bytes.length < end) break;
      this.#call.onMessage(bytes.subarray(at + GRPC_HEADER_BYTES, end));
      at = end;
    }
    this.#rest = at === bytes.length ? NOTHING : bytes.subarray(at);
  }

  #giveBack(length: number): void {
    this.#unacknowledged += length;
    if (this.#unacknowledged < WINDOW_STEP_BYTES) return;
    const update = Buffer.alloc(4);
    update.writeUInt32BE(this.#unacknowledged, 0);
    this.#unacknowledged = 0;
    for (const stream of [0, STREAM]) {
      this.#socket.write(frame(FRAME.WINDOW_UPDATE, 0, stream, update));
    }
  }
}
