import { randomBytes } from "node:crypto";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SnapshotHeader } from "../../../regional/peer/snapshot-header.js";
import { MessageType, makeMessage } from "../../../regional/raft/index.js";
import { pair, type TestPeer, until } from "./peers.js";

const confState = {
  voters: [1, 2],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

function headerOf(sizeBytes: number): SnapshotHeader {
  return { term: 3, sizeBytes, metadata: { index: 10, term: 2, confState } };
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

  async function fileOf(bytes: Buffer): Promise<string> {
    const file = join(folder, "image");
    await writeFile(file, bytes);
    return file;
  }

  it("brings the whole file over, in order, while messages go on", async () => {
    const bytes = randomBytes(3_000_001);
    const chunks: Buffer[] = [];
    let finished: SnapshotHeader | undefined;
    b.intake = async (from, header) => {
      expect(from).toBe(1);
      return {
        write: async (chunk) => {
          chunks.push(Buffer.from(chunk));
          a.transport.queueMessage(makeMessage({ type: MessageType.heartbeat, to: 2, from: 1 }));
          a.transport.flush();
        },
        finish: async () => {
          finished = header;
        },
        abort: async () => {},
      };
    };
    const header = headerOf(bytes.length);
    await a.transport.sendSnapshot(2, await fileOf(bytes), header);
    expect(finished).toEqual(header);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    await until(() => b.messages.length === chunks.length, "heartbeats");
  });

  it("fails with the reason when the other side declines or its disk fails", async () => {
    const file = await fileOf(randomBytes(1000));
    await expect(a.transport.sendSnapshot(2, file, headerOf(1000))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      cause: { message: "declined" },
    });
    b.intake = async () => ({
      write: () => Promise.reject(new Error("no space left")),
      finish: async () => {},
      abort: async () => {},
    });
    await expect(a.transport.sendSnapshot(2, file, headerOf(1000))).rejects.toMatchObject({
      cause: { message: "no space left" },
    });
  });

  it("tells the sink when the sender goes away", async () => {
    let begun = false;
    let aborted = false;
    b.intake = async () => ({
      write: async () => {
        begun = true;
      },
      finish: async () => {},
      abort: async () => {
        aborted = true;
      },
    });
    const file = await fileOf(Buffer.alloc(0));
    await truncate(file, 200_000_000);
    const sending = a.transport.sendSnapshot(2, file, headerOf(200_000_000));
    const failed = expect(sending).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await until(() => begun, "the first chunk");
    await a.transport.close();
    await failed;
    await until(() => aborted, "the sink's abort");
  });
});
