import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FrameType, makeFrame } from "../../../regional/peer/frame.js";
import { helloFrame, Purpose } from "../../../regional/peer/hello.js";
import { inquire } from "../../../regional/peer/inquiry.js";
import { MessageType, makeMessage } from "../../../regional/raft/index.js";
import type { HostPort } from "../../../shared/address.js";
import { utf8 } from "../../../shared/bytes.js";
import { MAX_PEER_QUEUE_BYTES } from "../../../shared/limits.js";
import { freePorts } from "../../../shared/ports.js";
import { pair, TestPeer, until } from "./peers.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function started(id: number, clusterId?: number): Promise<TestPeer> {
  const peer = await new TestPeer(id, clusterId).start();
  open.push(peer.transport);
  return peer;
}

async function startedPair(): Promise<[TestPeer, TestPeer]> {
  const both = await pair();
  for (const peer of both) open.push(peer.transport);
  return both;
}

const heartbeat = (commit: number) =>
  makeMessage({ type: MessageType.heartbeat, to: 2, from: 1, term: 1, commit });

describe("PeerTransport", () => {
  it("delivers what was queued in a turn in order, in one write", async () => {
    const [a, b] = await startedPair();
    const before = b.transport.receivedBytes;
    const messages = Array.from({ length: 500 }, (_, i) => heartbeat(i));
    for (const message of messages) a.transport.queueMessage(message);
    a.transport.queueFrame(2, makeFrame(FrameType.leaseCalls, Buffer.from("x")));
    a.transport.flush();
    await until(() => b.messages.length === 500, "500 messages");
    expect(b.messages).toEqual(messages);
    expect(b.frames.map((f) => [f.from, f.type])).toEqual([[1, FrameType.leaseCalls]]);
    // One frame's head for all messages: about 42 bytes each.
    expect(b.transport.receivedBytes - before).toBeLessThan(500 * 43);
  });

  it("connects again when the other side comes back, on the same port", async () => {
    const [a, b] = await startedPair();
    await b.transport.close();
    await until(() => !a.up.has(2), "link down");
    a.transport.queueMessage(heartbeat(1));
    a.transport.flush();
    expect(a.dropped).toEqual([2]);
    const again = new TestPeer(2);
    open.push(again.transport);
    await again.start(b.port);
    again.dials(1, a.port);
    await until(() => a.up.has(2), "link up again");
    a.transport.queueMessage(heartbeat(2));
    a.transport.flush();
    await until(() => again.messages.length === 1, "a message");
    expect(again.messages[0]?.commit).toBe(2);
  });

  it("refuses members of another cluster, strangers and wrong addressees, and says why", async () => {
    const a = await started(1);
    a.dials(2, 1);
    for (const [from, cluster, to, reason] of [
      [2, 98, 1, "cluster id is 62"],
      [3, 99, 1, "member 3 is not part of the cluster"],
      [2, 99, 4, "member 4 was called"],
    ] as const) {
      const other = await started(from, cluster);
      other.dials(to, a.port);
      await until(() => other.logged.some((line) => line.includes("refused")), "a refusal");
      expect(other.logged.join("")).toContain(reason);
      expect(other.up.size).toBe(0);
      await other.transport.close();
    }
  });

  it("tells somebody who was removed just that, and drops its connection", async () => {
    const [a, b] = await startedPair();
    expect(a.transport.connectedMs(2)).toBeGreaterThan(0);
    a.standing.set(2, "removed");
    a.transport.removePeer(2);
    expect(a.transport.connectedMs(2)).toBe(0);
    await until(() => b.removals > 0, "the news");
    expect(b.up.size).toBe(0);
    expect(a.logged.join("")).toContain("member 2 was removed from the cluster");
  });

  it("dials a caller where it says it listens, whatever it was told before", async () => {
    const [port = 0] = await freePorts(1);
    const mover = new TestPeer(2, 99, { address: { host: "127.0.0.1", port } });
    open.push(mover.transport);
    await mover.start(port);
    const behind = await started(1);
    behind.dials(2, 1); // where it was once
    const newcomer = await started(3);
    newcomer.standing.set(2, "member"); // it has never heard of it
    mover.dials(1, behind.port);
    mover.dials(3, newcomer.port);
    await until(() => behind.up.has(2) && newcomer.up.has(2), "links back to the caller");
  });

  it("finds that a member's process has ended, by its closed port", async () => {
    const [a, b] = await startedPair();
    const alive = await started(3);
    alive.standing.set(1, "member");
    a.dials(3, alive.port);
    await until(() => a.up.has(3), "another one that lives");
    await b.transport.close();
    await until(() => a.gone.has(2), "the news");
    expect([...a.gone]).toEqual([2]);
  });

  it("takes no member for gone that speaks, nor one that reads by lease", async () => {
    const a = await started(1);
    const speaking = await started(2);
    const leasing = new TestPeer(3, 99, { leases: true });
    open.push(leasing.transport);
    await leasing.start();
    for (const one of [speaking, leasing]) {
      a.standing.set(one === speaking ? 2 : 3, "member");
      one.dials(1, a.port);
      await until(() => one.up.has(1), "its connection");
    }
    const [nobody = 0] = await freePorts(1);
    a.dials(2, nobody);
    a.dials(3, nobody);
    const isRefused = (id: number): boolean =>
      a.logged.some((line) => line.includes("ECONNREFUSED") && line.includes(`"peer":"${id}"`));
    await until(() => isRefused(2) && isRefused(3), "refused attempts");
    expect([...a.gone]).toEqual([]);
    await leasing.transport.close();
    await speaking.transport.close();
    await until(() => a.gone.has(2), "the news of the one that has fallen silent");
    expect(a.gone.has(3)).toBe(false);
  });

  it("tries one address after the other", async () => {
    const a = await started(1);
    const b = await started(2);
    b.standing.set(1, "member");
    const [nobody = 0] = await freePorts(1);
    const at = (port: number): HostPort => ({ host: "127.0.0.1", port });
    a.transport.setPeer(2, [at(nobody), at(b.port)]);
    await until(() => a.up.has(2), "the second address");
  });

  it("describes the cluster to whoever asks, or says why not", async () => {
    const a = await started(1);
    const address = { host: "127.0.0.1", port: a.port };
    await expect(inquire(address, 5_000)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: `127.0.0.1:${a.port}: nothing to tell`,
    });
    a.description = async () => utf8("this is it");
    expect((await inquire(address, 5_000)).toString()).toBe("this is it");
    const [nobody = 0] = await freePorts(1);
    await expect(inquire({ host: "127.0.0.1", port: nobody }, 5_000)).rejects.toThrow(
      "ECONNREFUSED",
    );
    a.description = () => new Promise(() => {});
    await expect(inquire(address, 50)).rejects.toThrow("no answer within 50 ms");
  });

  it("survives garbage, silence and half-said hellos, and goes on serving", async () => {
    const [a, b] = await startedPair();
    const strangers: Socket[] = [];
    const hello = helloFrame({
      purpose: Purpose.messages,
      clusterId: 99,
      from: 2,
      to: 1,
      leases: false,
      address: "",
    });
    const afterHello = (bytes: Buffer): Buffer => Buffer.concat([hello, bytes]);
    for (const bytes of [
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      Buffer.alloc(64, 0xff),
      hello.subarray(0, 5),
      makeFrame(FrameType.raft, Buffer.from("no hello before")),
      afterHello(makeFrame(FrameType.raft, Buffer.from([250, 1, 2]))),
      afterHello(makeFrame(FrameType.snapshotHeader, Buffer.from("{}"))),
    ]) {
      const socket = connect(a.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      socket.write(bytes);
      strangers.push(socket);
    }
    await until(() => strangers.filter((s) => s.destroyed).length >= 4, "closed");
    await until(() => b.up.has(1), "the real member is connected");
    b.transport.queueMessage(makeMessage({ type: MessageType.heartbeatResp, to: 1, from: 2 }));
    b.transport.flush();
    await until(() => a.messages.length === 1, "a message");
    for (const socket of strangers) socket.destroy();
  });

  it("drops messages for a member that doesn't read, within the bound, and reports it", async () => {
    const sockets: Socket[] = [];
    const stuck = createServer((socket) => {
      sockets.push(socket);
      socket.write(makeFrame(FrameType.welcome, new Uint8Array(0)));
      socket.pause();
    });
    await new Promise<void>((resolve) => stuck.listen(0, "127.0.0.1", resolve));
    const address = stuck.address();
    const a = await started(1);
    a.dials(2, typeof address === "object" && address !== null ? address.port : 0);
    await until(() => a.up.has(2), "link up");
    const data = new Uint8Array(1024 * 1024);
    const app = makeMessage({
      type: MessageType.app,
      to: 2,
      from: 1,
      entries: [{ term: 1, index: 1, type: 0, data }],
    });
    const limit = (2 * MAX_PEER_QUEUE_BYTES) / data.length;
    for (let i = 0; i < limit; i++) {
      a.transport.queueMessage(app);
      a.transport.flush();
    }
    expect(a.dropped.length).toBeGreaterThan(0);
    expect(a.transport.isReady(2)).toBe(false);
    const sent = a.transport.peers()[0]?.sentBytes ?? 0;
    expect(sent).toBeLessThan(2 * MAX_PEER_QUEUE_BYTES);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => stuck.close(resolve));
  });

  it("names the address when the port is taken", async () => {
    const a = await started(1);
    await expect(
      new TestPeer(2).transport.listen({ host: "127.0.0.1", port: a.port }),
    ).rejects.toThrow(`can't listen for members on 127.0.0.1:${a.port}`);
  });
});
