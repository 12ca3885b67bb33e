import { connect, type Socket } from "node:net";
import type { HostPort } from "../../shared/address.js";
import { fromUtf8 } from "../../shared/bytes.js";
import { Deferred } from "../../shared/deferred.js";
import { SNAPSHOT_STALL_LIMIT_MS } from "../../shared/limits.js";
import { FrameReader, FrameType, makeFrame } from "./frame.js";

const EMPTY = new Uint8Array(0);

/** A connection for one snapshot: what the other side said, and when more may be written. */
export class SnapshotConnection {
  readonly #socket: Socket;
  readonly #welcome = new Deferred<void>();
  readonly #offset = new Deferred<Buffer>();
  readonly #result = new Deferred<void>();
  #heardMs = performance.now();

  constructor(address: HostPort, hello: Buffer) {
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    this.#socket = socket;
    // Whoever waits gets the failure; when nobody does, it is of no interest.
    this.#welcome.promise.catch(() => {});
    this.#offset.promise.catch(() => {});
    this.#result.promise.catch(() => {});
    const reader = new FrameReader((type, payload) => this.#receive(type, payload));
    socket.on("connect", () => socket.write(hello));
    socket.on("data", (chunk: Buffer) => {
      this.#heardMs = performance.now();
      try {
        reader.push(chunk);
      } catch (error) {
        this.#fail(error);
      }
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  #receive(type: number, payload: Buffer): void {
    if (type === FrameType.welcome) this.#welcome.resolve();
    else if (type === FrameType.snapshotOffset) this.#offset.resolve(payload);
    else if (type === FrameType.refusal) this.#fail(new Error(`refused: ${fromUtf8(payload)}`));
    else if (type === FrameType.snapshotResult) {
      const text = fromUtf8(payload);
      if (text === "") this.#result.resolve();
      else this.#fail(new Error(text));
    }
  }

  #fail(error: unknown): void {
    this.#welcome.reject(error);
    this.#offset.reject(error);
    this.#result.reject(error);
    this.#socket.destroy();
  }

  get welcomed(): Promise<void> {
    return this.#welcome.promise;
  }

  /** What the other side answers to the header: the payload of a snapshotOffset. */
  get offset(): Promise<Buffer> {
    return this.#offset.promise;
  }

  /** Resolves when the other side has taken the snapshot, rejects when anything failed. */
  get result(): Promise<void> {
    return this.#result.promise;
  }

  async write(frame: Buffer): Promise<void> {
    if (this.#socket.write(frame)) return;
    const drained = new Promise<void>((resolve) => this.#socket.once("drain", resolve));
    await Promise.race([drained, this.#result.promise]);
  }

  /**
   * Asks for a sign of life, and gives up when the last one was too long ago: what is written
   * to a machine that has vanished looks like progress for minutes.
   */
  ping(): void {
    if (performance.now() - this.#heardMs > SNAPSHOT_STALL_LIMIT_MS) {
      this.#fail(new Error(`nothing came back for ${SNAPSHOT_STALL_LIMIT_MS} ms`));
    } else if (this.#socket.readyState === "open") {
      this.#socket.write(makeFrame(FrameType.ping, EMPTY));
    }
  }

  close(reason?: Error): void {
    this.#socket.destroy(reason);
  }
}
