import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { MemberStorage } from "../../../regional/backend/storage.js";
import { IncomingSnapshots } from "../../../regional/member/incoming-snapshots.js";
import { OutgoingSnapshots } from "../../../regional/member/outgoing-snapshots.js";
import {
  type Message,
  MessageType,
  makeMessage,
  type RawNode,
} from "../../../regional/raft/index.js";
import { SNAPSHOT_KEEP_MS } from "../../../shared/limits.js";
import { createLogger } from "../../../shared/log.js";
import { positionAt } from "../backend/positions.js";
import { meta, row } from "../backend/records.js";
import { loadAll, member, openMember } from "../backend/support.js";
import { makeEntries } from "../log/entries.js";
import { hard, tempDirectory } from "../log/support.js";
import { TestPeer, until } from "../peer/peers.js";

const ROWS = 3000;
const ROW_BYTES = 1500;
const RATE = 8 * 1024 * 1024;

/** What the parts ask of raft, answered as the test wants it. */
function raftOf(calls: Partial<RawNode>): (input: (raft: RawNode) => void) => void {
  return (input) => input(calls as RawNode);
}

/** A member that sends or receives snapshots: its storage, its transport, its part. */
class Side {
  readonly storage: MemberStorage;
  readonly peer: TestPeer;
  readonly reported: boolean[] = [];
  readonly outgoing: OutgoingSnapshots;
  readonly incoming: IncomingSnapshots;
  nowMs = 0;
  commit = 10;
  term = 3;
  /** Whether raft takes the snapshot that it is offered. */
  takes = true;
  reloaded = 0;

  constructor(id: number, storage: MemberStorage, bytesPerSecond = RATE) {
    this.storage = storage;
    this.peer = new TestPeer(id, 99, { snapshotBytesPerSecond: bytesPerSecond });
    const log = createLogger("silent", {});
    this.outgoing = new OutgoingSnapshots({
      storage,
      send: (to, snapshot) => this.peer.transport.sendSnapshot(to, snapshot),
      feed: raftOf({ reportSnapshot: (_id, ok) => void this.reported.push(ok) }),
      nowMs: () => this.nowMs,
      log,
    });
    this.incoming = new IncomingSnapshots({
      self: id,
      storage,
      feed: raftOf({ step: (message) => this.#offered(message) }),
      commit: () => this.commit,
      term: () => this.term,
      reload: async () => void this.reloaded++,
      log,
    });
    this.peer.intake = (from, header) => this.incoming.intake(from, header);
  }

  #offered(message: Message): "ok" {
    if (this.takes) void this.incoming.install(message);
    return "ok";
  }

  async close(): Promise<void> {
    await this.outgoing.idle();
    await this.peer.transport.close();
    await this.storage.close();
  }
}

const places = { a: "", b: "" };
beforeEach(() => {
  places.a = join(tempDirectory(), "a");
  places.b = join(tempDirectory(), "b");
});

/** Both sides, on the data that earlier lives have left. */
async function life(bytesPerSecond = RATE): Promise<[Side, Side]> {
  const a = new Side(1, await openMember(places.a, { ...member, memberId: 77 }), bytesPerSecond);
  const b = new Side(2, await openMember(places.b));
  onTestFinished(async () => {
    await a.close();
    await b.close();
  });
  await a.outgoing.start();
  await a.peer.start();
  await b.peer.start();
  a.peer.dials(2, b.peer.port);
  b.peer.dials(1, a.peer.port);
  return [a, b];
}

/** Log and state through `index`. */
async function fill({ storage: { log, backend } }: Side, index: number): Promise<void> {
  const last = log.lastIndex();
  const entries = makeEntries(last + 1, index - last, 2);
  await new Promise<void>((resolve) =>
    log.append({ entries, hardState: hard(2, 0, index) }, resolve),
  );
  const records = Array.from({ length: ROWS }, (_, i) => row(i + 1, "x".repeat(ROW_BYTES)));
  backend.write([...records, meta(`m${index}`)], positionAt(index, 2), index);
}

function wanted(term = 3): Message {
  return makeMessage({ type: MessageType.snap, to: 2, from: 1, term });
}

/** Sends until a part has arrived, then ends both lives. Gives what had arrived. */
async function breakOff(a: Side, b: Side): Promise<number> {
  a.outgoing.queue(wanted());
  await until(() => b.incoming.receivedBytes > ROWS * 500, "a part of the snapshot");
  await b.peer.transport.close();
  await until(() => a.reported.length === 1, "the end of the transfer");
  expect([a.reported, a.outgoing.failed, b.incoming.installed]).toEqual([[false], 1, 0]);
  const { receivedBytes } = b.incoming;
  await a.close();
  await b.close();
  return receivedBytes;
}

describe("snapshots between members", () => {
  it("go on where they broke off after both have been restarted", async () => {
    const [a, b] = await life();
    await fill(a, 50);
    const arrived = await breakOff(a, b);
    const [again, receiver] = await life();
    expect(again.outgoing.position?.index).toBe(50);
    again.outgoing.queue(wanted());
    await until(() => receiver.incoming.installed === 1, "the install");
    await until(() => again.reported.length === 1, "the report");
    expect([again.reported, receiver.reloaded]).toEqual([[true], 1]);
    const { resumedBytes, receivedBytes } = receiver.incoming;
    expect(resumedBytes).toBeGreaterThan(arrived / 2);
    expect([again.outgoing.resumedBytes, again.outgoing.sentBytes]).toEqual([
      resumedBytes,
      receivedBytes,
    ]);
    expect(resumedBytes + receivedBytes).toBeGreaterThan(ROWS * ROW_BYTES);
    expect(await loadAll(receiver.storage.backend)).toHaveLength(ROWS + 1);
    // Everybody has it: there is nothing to keep any more.
    await until(() => !existsSync(join(places.a, "outgoing")), "the image to go");
    expect(again.outgoing.position).toBeUndefined();
    expect(receiver.storage.stagedIndex()).toBeUndefined();
  });

  it("begin anew when the sender has another one", async () => {
    const [a, b] = await life();
    await fill(a, 50);
    await breakOff(a, b);
    const [again, receiver] = await life();
    again.nowMs = SNAPSHOT_KEEP_MS;
    again.outgoing.tick();
    await again.outgoing.idle();
    expect(again.outgoing.position).toBeUndefined();
    await fill(again, 60);
    again.outgoing.queue(wanted());
    await until(() => receiver.incoming.installed === 1, "the install");
    expect(receiver.incoming.resumedBytes).toBe(0);
    expect(receiver.storage.backend.loaded.index).toBe(60);
  });

  it("are kept no longer than somebody may come back for them", async () => {
    const [a, b] = await life();
    await fill(a, 50);
    a.outgoing.queue(wanted());
    await until(() => b.incoming.receivedBytes > 0, "a part of the snapshot");
    a.outgoing.demote();
    await until(() => a.reported.length === 1, "the end of the transfer");
    a.nowMs = SNAPSHOT_KEEP_MS - 1;
    a.outgoing.tick();
    expect(a.outgoing.position?.index).toBe(50);
    a.nowMs = 2 * SNAPSHOT_KEEP_MS;
    a.outgoing.tick();
    await a.outgoing.idle();
    expect(existsSync(join(places.a, "outgoing"))).toBe(false);
    // The receiver has got so far by its log that it needs none.
    await until(() => b.incoming.underWay === 0, "the end at the receiver");
    b.incoming.tick();
    expect(b.storage.stagedIndex()).toBe(50);
    b.commit = 50;
    b.incoming.tick();
    expect(b.storage.stagedIndex()).toBeUndefined();
  });

  it("are declined when they are of a deposed leader, or of no use", async () => {
    const [a, b] = await life();
    await fill(a, 50);
    b.term = 4;
    a.outgoing.queue(wanted(3));
    await until(() => a.reported.length === 1, "the first answer");
    b.commit = 50;
    a.outgoing.queue(wanted(4));
    await until(() => a.reported.length === 2, "the second answer");
    expect([a.reported, a.outgoing.sentBytes, b.incoming.receivedBytes]).toEqual([
      [false, false],
      0,
      0,
    ]);
  });

  it("leave nothing behind when raft doesn't take them after all", async () => {
    const [a, b] = await life();
    await fill(a, 50);
    b.takes = false;
    a.outgoing.queue(wanted());
    await until(() => a.reported.length === 1, "the answer");
    expect([a.reported, b.incoming.installed, b.storage.stagedIndex()]).toEqual([
      [false],
      0,
      undefined,
    ]);
    expect(existsSync(join(places.b, "incoming.db"))).toBe(false);
  });

  it("of a new leader take the place of the old one's", async () => {
    // Slow enough for the new one to come in between on any machine.
    const [a, b] = await life(RATE / 40);
    await fill(a, 50);
    const third = new Side(
      3,
      await openMember(join(tempDirectory(), "c"), { ...member, memberId: 78 }),
    );
    onTestFinished(() => third.close());
    await third.peer.start();
    await fill(third, 70);
    third.peer.dials(2, b.peer.port);
    b.peer.dials(3, third.peer.port);
    a.outgoing.queue(wanted());
    await until(() => b.incoming.receivedBytes > 0, "a part of the snapshot");
    b.term = 4;
    third.outgoing.queue(wanted(4));
    await until(() => b.incoming.installed === 1, "the install");
    await until(() => a.reported.length === 1, "the end of the old one");
    expect(a.reported).toEqual([false]);
    expect(b.storage.backend.loaded.index).toBe(70);
  });
});
