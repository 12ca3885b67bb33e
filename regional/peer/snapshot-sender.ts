import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { crc32 } from "node:zlib";
import type { HostPort } from "../../shared/address.js";
import { AtollError } from "../../shared/errors.js";
import { PEER_PING_INTERVAL_MS } from "../../shared/limits.js";
import { chunkLength } from "../backend/manifest.js";
import { allocateFrame, FRAME_HEAD_BYTES, FrameType, makeFrame, sealFrame } from "./frame.js";
import { SnapshotConnection } from "./snapshot-connection.js";
import {
  decodeSnapshotOffset,
  encodeSnapshotHeader,
  type SnapshotHeader,
} from "./snapshot-header.js";
import type { Throttle } from "./throttle.js";

/** A snapshot to be sent, and what is to be known of its way. */
export interface OutgoingSnapshot {
  readonly file: string;
  readonly header: SnapshotHeader;
  /** The other side has the first `bytes` already. */
  onResumed?(bytes: number): void;
  /** A chunk was handed to the socket, after a wait of so many seconds for the throttle. */
  onSent?(bytes: number, throttledSeconds: number): void;
  /** Ends the transfer. */
  readonly signal?: AbortSignal;
}

/** Where a snapshot is sent, and how fast. */
export interface SnapshotTarget {
  readonly address: HostPort;
  readonly hello: Buffer;
  readonly throttle: Throttle;
  readonly signal: AbortSignal;
}

/** The file to be sent is not what its manifest says: DATA_LOSS on the sender's side. */
export class ImageChanged extends AtollError {
  constructor(file: string, byte: number) {
    super("DATA_LOSS", `${file} has changed since it was made, at byte ${byte}`);
  }
}

/** Reads chunk `index` into a sealed frame. Throws ImageChanged. */
async function chunkFrame(
  handle: FileHandle,
  { file, header: { manifest } }: OutgoingSnapshot,
  index: number,
): Promise<Buffer> {
  const length = chunkLength(manifest, index);
  const frame = allocateFrame(length);
  const at = index * manifest.chunkBytes;
  const { bytesRead } = await handle.read(frame, FRAME_HEAD_BYTES, length, at);
  const sum = crc32(frame.subarray(FRAME_HEAD_BYTES));
  if (bytesRead !== length || sum !== manifest.checksums[index]) {
    throw new ImageChanged(file, at);
  }
  return sealFrame(frame, FrameType.snapshotChunk);
}

async function sendChunks(
  connection: SnapshotConnection,
  snapshot: OutgoingSnapshot,
  throttle: Throttle,
  offset: number,
): Promise<void> {
  const { checksums, chunkBytes } = snapshot.header.manifest;
  const handle = await open(snapshot.file, "r");
  try {
    for (let i = Math.ceil(offset / chunkBytes); i < checksums.length; i++) {
      const frame = await chunkFrame(handle, snapshot, i);
      const waitMs = throttle.take(frame.length, performance.now());
      if (waitMs >= 1) await Promise.race([pause(waitMs), connection.result]);
      await connection.write(frame);
      snapshot.onSent?.(frame.length - FRAME_HEAD_BYTES, waitMs / 1000);
    }
  } finally {
    await handle.close();
  }
}

/**
 * Sends a snapshot file over a connection of its own, from where the other side has it, no
 * faster than the throttle lets it, and resolves when the other side has it on disk.
 * Rejects with ImageChanged, else with UNAVAILABLE saying why.
 */
export async function sendSnapshot(
  target: SnapshotTarget,
  snapshot: OutgoingSnapshot,
): Promise<void> {
  const connection = new SnapshotConnection(target.address, target.hello);
  const { header } = snapshot;
  const signal = AbortSignal.any([target.signal, ...(snapshot.signal ? [snapshot.signal] : [])]);
  const abort = (): void => connection.close(new Error("this member doesn't send it any more"));
  signal.addEventListener("abort", abort, { once: true });
  const pings = setInterval(() => connection.ping(), PEER_PING_INTERVAL_MS);
  try {
    if (signal.aborted) abort();
    await connection.welcomed;
    await connection.write(makeFrame(FrameType.snapshotHeader, encodeSnapshotHeader(header)));
    const offset = decodeSnapshotOffset(await connection.offset, header.manifest);
    if (offset > 0) snapshot.onResumed?.(offset);
    await sendChunks(connection, snapshot, target.throttle, offset);
    await connection.write(makeFrame(FrameType.snapshotEnd, new Uint8Array(0)));
    await connection.result;
  } catch (error) {
    if (error instanceof ImageChanged) throw error;
    throw new AtollError("UNAVAILABLE", "the snapshot was not delivered", { cause: error });
  } finally {
    clearInterval(pings);
    signal.removeEventListener("abort", abort);
    connection.close();
  }
}
