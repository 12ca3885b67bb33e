import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { HostPort } from "../../shared/address.js";
import { fromUtf8 } from "../../shared/bytes.js";
import { Deferred } from "../../shared/deferred.js";
import { AtollError } from "../../shared/errors.js";
import {
  PEER_PING_INTERVAL_MS,
  SNAPSHOT_CHUNK_BYTES,
  SNAPSHOT_RATE_BYTES_PER_SECOND,
  SNAPSHOT_STALL_LIMIT_MS,
} from "../../shared/limits.js";
import {
  allocateFrame,
  FRAME_HEAD_BYTES,
  FrameReader,
  FrameType,
  makeFrame,
  sealFrame,
} from "./frame.js";
import { encodeSnapshotHeader, type SnapshotHeader } from "./snapshot-header.js";

const EMPTY = new Uint8Array(0);

/** A connection for one snapshot: what the other side said, and when more may be written. */
class SnapshotConnection {
  readonly #socket: Socket;
  readonly #welcome = new Deferred<void>();
  readonly #result = new Deferred<void>();

  constructor(address: HostPort, hello: Buffer) {
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    this.#socket = socket;
    // Whoever waits gets the failure; when nobody does, it is of no interest.
    this.#welcome.promise.catch(() => {});
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
    else if (type === FrameType.refusal) this.#fail(new Error(`refused: ${fromUtf8(payload)}`));
    else if (type === FrameType.snapshotResult) {
      const text = fromUtf8(payload);
      if (text === "") this.#result.resolve();
      else this.#fail(new Error(text));
    }
  }

  #fail(error: unknown): void {
    this.#welcome.reject(error);
    this.#result.reject(error);
    this.#socket.destroy();
  }

  get welcomed(): Promise<void> {
    return this.#welcome.promise;
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

async function sendFile(
  connection: SnapshotConnection,
  file: string,
  header: SnapshotHeader,
): Promise<void> {
  await connection.write(makeFrame(FrameType.snapshotHeader, encodeSnapshotHeader(header)));
  const handle = await open(file, "r");
  try {
    const startMs = performance.now();
    let sent = 0;
    while (sent < header.sizeBytes) {
      const length = Math.min(SNAPSHOT_CHUNK_BYTES, header.sizeBytes - sent);
      const frame = allocateFrame(length);
      const { bytesRead } = await handle.read(frame, FRAME_HEAD_BYTES, length, sent);
      if (bytesRead !== length) throw new Error(`${file} became shorter while it was sent`);
      await connection.write(sealFrame(frame, FrameType.snapshotChunk));
      sent += length;
      const aheadMs =
        (sent / SNAPSHOT_RATE_BYTES_PER_SECOND) * 1000 - (performance.now() - startMs);
      if (aheadMs > 1) await pause(aheadMs);
    }
  } finally {
    await handle.close();
  }
  await connection.write(makeFrame(FrameType.snapshotEnd, EMPTY));
}

/**
 * Sends a snapshot file over a connection of its own, no faster than
 * SNAPSHOT_RATE_BYTES_PER_SECOND, and resolves when the other side has it on disk.
 * Rejects with UNAVAILABLE saying why.
 */
export async function sendSnapshot(
  target: { readonly address: HostPort; readonly hello: Buffer; readonly signal: AbortSignal },
  file: string,
  header: SnapshotHeader,
): Promise<void> {
  const connection = new SnapshotConnection(target.address, target.hello);
  const abort = (): void => connection.close(new Error("this member is stopping"));
  target.signal.addEventListener("abort", abort, { once: true });
  const pings = setInterval(() => connection.ping(), PEER_PING_INTERVAL_MS);
  try {
    if (target.signal.aborted) abort();
    await connection.welcomed;
    await sendFile(connection, file, header);
    await connection.result;
  } catch (error) {
    throw new AtollError("UNAVAILABLE", "the snapshot was not delivered", { cause: error });
  } finally {
    clearInterval(pings);
    target.signal.removeEventListener("abort", abort);
    connection.close();
  }
}
