import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SnapshotHeader } from "../../../regional/peer/snapshot-header.js";
import type { SnapshotSink } from "../../../regional/peer/snapshot-receiver.js";
import { ImageChanged, type OutgoingSnapshot } from "../../../regional/peer/snapshot-sender.js";
import { MessageType, makeMessage } from "../../../regional/raft/index.js";
import { manifestOf } from "../backend/manifests.js";
import { positionAt } from "../backend/positions.js";
import { pair, type TestPeer, until } from "./peers.js";

const CHUNK = 64 * 1024;

/** A sink that keeps chunks in memory. */
class MemorySink implements SnapshotSink {
  readonly resumedBytes: number;
  readonly chunks: Buffer[] = [];
  finished = false;
  closed = false;

  constructor(resumedBytes = 0) {
    this.resumedBytes = resumedBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.chunks.push(Buffer.from(chunk));
  }

  async finish(): Promise<void> {
    this.finished = true;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

describe("snapshot transfer", () => {
  let folder: string;
  let a: TestPeer;
  let b: TestPeer;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atoll-snapshot-"));
    [a, b] = await pair();
  });
  afterEach(async () => {
    await a.transport.close();
    await b.transport.close();
    await rm(folder, { recursive: true });
  });

  async function snapshotOf(bytes: Buffer): Promise<OutgoingSnapshot> {
    const file = join(folder, "image");
    await writeFile(file, bytes);
    return { file, header: { term: 3, manifest: manifestOf(bytes, positionAt(10, 2), CHUNK) } };
  }

  it("brings the whole file over, in order, while messages go on", async () => {
    const bytes = randomBytes(3_000_001);
    const sink = new MemorySink();
    sink.write = async (chunk) => {
      sink.chunks.push(Buffer.from(chunk));
      a.transport.queueMessage(makeMessage({ type: MessageType.heartbeat, to: 2, from: 1 }));
      a.transport.flush();
    };
    let offered: SnapshotHeader | undefined;
    b.intake = async (from, header) => {
      expect(from).toBe(1);
      offered = header;
      return sink;
    };
    const snapshot = await snapshotOf(bytes);
    let sent = 0;
    await a.transport.sendSnapshot(2, {
      ...snapshot,
      onSent: (count) => {
        sent += count;
      },
      onResumed: () => expect.fail("there was nothing to resume"),
    });
    expect([sink.finished, sent]).toEqual([true, bytes.length]);
    expect(offered).toEqual(snapshot.header);
    expect(Buffer.concat(sink.chunks).equals(bytes)).toBe(true);
    await until(() => b.messages.length === sink.chunks.length, "heartbeats");
    await until(() => sink.closed, "the sink's end");
  });

  it.each([3 * CHUNK, 10 * CHUNK + 17])("sends nothing that is there already: %i", async (have) => {
    const bytes = randomBytes(10 * CHUNK + 17);
    const sink = new MemorySink(have);
    b.intake = async () => sink;
    let resumed = 0;
    let sent = 0;
    await a.transport.sendSnapshot(2, {
      ...(await snapshotOf(bytes)),
      onResumed: (count) => {
        resumed = count;
      },
      onSent: (count) => {
        sent += count;
      },
    });
    expect([resumed, sent]).toEqual([have, bytes.length - have]);
    expect(Buffer.concat(sink.chunks).equals(bytes.subarray(have))).toBe(true);
    expect(sink.finished).toBe(true);
  });

  it("fails with the reason when the other side declines or its disk fails", async () => {
    const snapshot = await snapshotOf(randomBytes(1000));
    await expect(a.transport.sendSnapshot(2, snapshot)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      cause: { message: "declined" },
    });
    const sink = new MemorySink();
    sink.write = () => Promise.reject(new Error("no space left"));
    b.intake = async () => sink;
    await expect(a.transport.sendSnapshot(2, snapshot)).rejects.toMatchObject({
      cause: { message: "no space left" },
    });
    expect([sink.closed, sink.finished]).toEqual([true, false]);
  });

  it("closes the sink when the sender goes away, and ends when it is told to", async () => {
    const sink = new MemorySink();
    b.intake = async () => sink;
    const stop = new AbortController();
    // Ended after the first chunk of many.
    sink.write = async (chunk) => {
      sink.chunks.push(Buffer.from(chunk));
      stop.abort();
      await new Promise((resolve) => setImmediate(resolve));
    };
    const snapshot = await snapshotOf(randomBytes(200 * CHUNK));
    const sending = a.transport.sendSnapshot(2, { ...snapshot, signal: stop.signal });
    await expect(sending).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await until(() => sink.closed, "the sink's end");
    expect(sink.finished).toBe(false);
    const stopped = a.transport.sendSnapshot(2, { ...snapshot, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("notices that its own file has changed, and sends no byte of that", async () => {
    const bytes = randomBytes(5 * CHUNK);
    const snapshot = await snapshotOf(bytes);
    bytes[3 * CHUNK + 5] = (bytes[3 * CHUNK + 5] as number) ^ 1;
    await writeFile(snapshot.file, bytes);
    const sink = new MemorySink();
    b.intake = async () => sink;
    const failure = await a.transport.sendSnapshot(2, snapshot).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ImageChanged);
    expect(String(failure)).toContain(`image has changed since it was made, at byte ${3 * CHUNK}`);
    await until(() => sink.closed, "the sink's end");
    expect(sink.chunks).toHaveLength(3);
  });
});
