import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { encodeManifest } from "../../../regional/backend/manifest.js";
import { FrameReader, FrameType, makeFrame } from "../../../regional/peer/frame.js";
import { helloFrame, Purpose } from "../../../regional/peer/hello.js";
import {
  encodeSnapshotHeader,
  encodeSnapshotOffset,
} from "../../../regional/peer/snapshot-header.js";
import type { SnapshotSink } from "../../../regional/peer/snapshot-receiver.js";
import { fromUtf8, utf8 } from "../../../shared/bytes.js";
import { PEER_PING_INTERVAL_MS, SNAPSHOT_STALL_LIMIT_MS } from "../../../shared/limits.js";
import { chunksOf, manifestOf } from "../backend/manifests.js";
import { positionAt } from "../backend/positions.js";
import { TestPeer, until } from "./peers.js";

const BYTES = randomBytes(12_000);
const HEADER = { term: 1, manifest: manifestOf(BYTES, positionAt(5)) };

describe("a member that receives a snapshot", () => {
  let peer: TestPeer;
  let socket: Socket;
  const heard: { type: number; text: string }[] = [];
  let written: number;
  let closed: boolean;
  let finished: boolean;
  beforeEach(async () => {
    heard.length = 0;
    [written, closed, finished] = [0, false, false];
    peer = await new TestPeer(2).start();
    // Member 1 is known but nothing listens there.
    peer.dials(1, 1);
    const sink: SnapshotSink = {
      resumedBytes: 5000,
      write: async () => {
        written++;
      },
      finish: async () => {
        finished = true;
      },
      close: async () => {
        closed = true;
      },
    };
    peer.intake = async () => sink;
    socket = connect(peer.port, "127.0.0.1");
    const reader = new FrameReader((type, payload) =>
      heard.push({ type, text: fromUtf8(payload) }),
    );
    socket.on("data", (chunk: Buffer) => reader.push(chunk));
    socket.write(
      helloFrame({
        purpose: Purpose.snapshot,
        clusterId: 99,
        from: 1,
        to: 2,
        leases: false,
        address: "",
      }),
    );
    await until(() => heard.length === 1, "the welcome");
  });
  afterEach(async () => {
    socket.destroy();
    await peer.transport.close();
  });

  const chunks = chunksOf(BYTES);
  function send(type: number, payload: Uint8Array): void {
    socket.write(makeFrame(type as FrameType, payload));
  }

  async function begin(): Promise<void> {
    send(FrameType.snapshotHeader, encodeSnapshotHeader(HEADER));
    await until(() => heard.some(({ type }) => type === FrameType.snapshotOffset), "the offset");
  }

  async function refusal(): Promise<string> {
    await until(() => heard.some(({ type }) => type === FrameType.refusal), "a refusal");
    expect(finished).toBe(false);
    return heard.at(-1)?.text ?? "";
  }

  it("takes what is well formed", async () => {
    await begin();
    send(FrameType.snapshotChunk, chunks[1] as Buffer);
    send(FrameType.snapshotChunk, chunks[2] as Buffer);
    send(FrameType.snapshotEnd, new Uint8Array(0));
    await until(() => finished, "the end");
    await until(() => heard.at(-1)?.type === FrameType.snapshotResult, "the result");
    expect([written, heard.at(-1)?.text]).toEqual([2, ""]);
  });

  it.each([
    ["that isn't JSON", utf8("{")],
    ["without a manifest", utf8('{"term":1}')],
    ["with a negative term", utf8(JSON.stringify({ term: -1, manifest: "" }))],
    [
      "of no bytes",
      encodeSnapshotHeader({ ...HEADER, manifest: { ...HEADER.manifest, sizeBytes: 0 } }),
    ],
    [
      "with chunks of no bytes",
      encodeSnapshotHeader({ ...HEADER, manifest: { ...HEADER.manifest, chunkBytes: 0 } }),
    ],
    [
      "with chunks larger than a frame",
      encodeSnapshotHeader({ ...HEADER, manifest: { ...HEADER.manifest, chunkBytes: 2 ** 40 } }),
    ],
    [
      "with too few checksums",
      encodeSnapshotHeader({ ...HEADER, manifest: { ...HEADER.manifest, sizeBytes: 20_000 } }),
    ],
    [
      "with fields that nobody knows",
      utf8(JSON.stringify({ term: 1, manifest: encodeManifest(HEADER.manifest), more: 1 })),
    ],
  ])("refuses a header %s", async (_what, payload) => {
    send(FrameType.snapshotHeader, payload);
    expect(await refusal()).toContain("a peer's snapshot header is wrong");
    expect(closed).toBe(false);
  });

  it.each([
    ["a chunk that is too short", FrameType.snapshotChunk, new Uint8Array(4999)],
    ["a chunk that is too long", FrameType.snapshotChunk, new Uint8Array(5001)],
    ["an end that comes too early", FrameType.snapshotEnd, new Uint8Array(0)],
    ["a second header", FrameType.snapshotHeader, encodeSnapshotHeader(HEADER)],
    ["something else", FrameType.raft, new Uint8Array(5000)],
  ])("refuses %s, and lets the sink go", async (_what, type, payload) => {
    await begin();
    send(type, payload);
    expect(await refusal()).toContain("a peer's snapshot stream has a frame of type");
    await until(() => closed, "the sink's end");
    expect(written).toBe(0);
  });

  it("refuses chunks before a header, and after the last one", async () => {
    send(FrameType.snapshotChunk, chunks[0] as Buffer);
    expect(await refusal()).toContain("where chunk none is due");
  });

  it("refuses a chunk after the last one", async () => {
    await begin();
    for (const i of [1, 2, 2]) send(FrameType.snapshotChunk, chunks[i] as Buffer);
    expect(await refusal()).toContain("where chunk 3 is due");
  });

  it("drops a connection whose frame is damaged on its way", async () => {
    await begin();
    const frame = makeFrame(FrameType.snapshotChunk, chunks[1] as Buffer);
    frame[1000] = (frame[1000] as number) ^ 4;
    socket.write(frame);
    expect(await refusal()).toContain("doesn't match its checksum");
    await until(() => closed, "the sink's end");
    expect(written).toBe(0);
  });
});

describe("a member that sends a snapshot", () => {
  let folder: string;
  let peer: TestPeer;
  let rogue: Server;
  let answer: (socket: Socket, type: number) => void;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atoll-hostile-"));
    peer = await new TestPeer(1).start();
    rogue = createServer((socket) => {
      const reader = new FrameReader((type) => {
        if (type === FrameType.hello) socket.write(makeFrame(FrameType.welcome, new Uint8Array(0)));
        else answer(socket, type);
      });
      socket.on("data", (chunk: Buffer) => reader.push(chunk));
      socket.on("error", () => socket.destroy());
    });
    await new Promise<void>((resolve) => rogue.listen(0, "127.0.0.1", resolve));
    const address = rogue.address();
    peer.dials(2, typeof address === "object" ? (address?.port ?? 0) : 0);
  });
  afterEach(async () => {
    await peer.transport.close();
    await new Promise((resolve) => rogue.close(resolve));
    await rm(folder, { recursive: true });
  });

  it("gives up on a receiver that has gone silent, though there is room to write", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    let pings = 0;
    answer = (socket, type) => {
      if (type === FrameType.ping) pings++;
      if (type === FrameType.snapshotHeader) {
        socket.write(makeFrame(FrameType.snapshotOffset, encodeSnapshotOffset(0)));
      }
    };
    const file = join(folder, "image");
    await writeFile(file, BYTES);
    let sent = 0;
    const sending = peer.transport.sendSnapshot(2, {
      file,
      header: HEADER,
      onSent: (bytes) => {
        sent += bytes;
      },
    });
    const failed = expect(sending).rejects.toMatchObject({
      code: "UNAVAILABLE",
      cause: { message: `nothing came back for ${SNAPSHOT_STALL_LIMIT_MS} ms` },
    });
    await until(() => sent === BYTES.length, "the whole snapshot to be written");
    vi.advanceTimersByTime(SNAPSHOT_STALL_LIMIT_MS + 2 * PEER_PING_INTERVAL_MS);
    await failed;
    await until(() => pings > 0, "a ping before that");
  });

  it.each([
    ["past the end", encodeSnapshotOffset(12_001)],
    ["inside a chunk", encodeSnapshotOffset(4_999)],
    ["before the beginning", encodeSnapshotOffset(-5_000)],
    ["that is no number", encodeSnapshotOffset(Number.NaN)],
    ["with bytes too many", new Uint8Array(9)],
    ["with bytes too few", new Uint8Array(7)],
  ])("gives up when it is asked to begin at an offset %s", async (_what, payload) => {
    let chunksSeen = 0;
    answer = (socket, type) => {
      if (type === FrameType.snapshotChunk) chunksSeen++;
      if (type === FrameType.snapshotHeader) {
        socket.write(makeFrame(FrameType.snapshotOffset, payload));
      }
    };
    const file = join(folder, "image");
    await writeFile(file, BYTES);
    await expect(peer.transport.sendSnapshot(2, { file, header: HEADER })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      cause: { code: "DATA_LOSS" },
    });
    expect(chunksSeen).toBe(0);
  });
});
