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

  constructor(address: HostPort, hello: Buffer) {
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    this.#socket = socket;
    // Whoever waits gets the failure; when nobody does, it is of no interest.
    this.#welcome.promise.catch(() => {});
    this.#offset.promise.catch(() => {});
    this.#result.promise.catch(() => {});
    const reader = new FrameReader((type, payload) => this.#receive(type, payload));
    socket.setTimeout(SNAPSHOT_STALL_LIMIT_MS, () => {
      socket.destroy(new Error(`no progress for ${SNAPSHOT_STALL_LIMIT_MS} ms`));
    });
    socket.on("connect", () => socket.write(hello));
    socket.on("data", (chunk: Buffer) => {
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

  ping(): void {
    this.#socket.write(makeFrame(FrameType.ping, EMPTY));
  }

  close(reason?: Error): void {
    this.#socket.destroy(reason);
  }
}
