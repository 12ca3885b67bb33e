import type { Standing } from "../../../regional/peer/hello.js";
import type { SnapshotSink } from "../../../regional/peer/snapshot-receiver.js";
import { PeerTransport, type TransportEvents } from "../../../regional/peer/transport.js";
import type { Message } from "../../../regional/raft/index.js";
import type { HostPort } from "../../../shared/address.js";
import { createLogger } from "../../../shared/log.js";

/** Waits until a condition holds; it is looked at after each turn of the event loop. */
export async function until(
  condition: () => boolean,
  what: string,
  limitMs = 10_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface TestPeerOptions {
  /** What it says of itself to those whom it calls. */
  readonly address?: HostPort;
  readonly leases?: boolean;
  readonly snapshotBytesPerSecond?: number;
}

/** A transport on a free port that keeps what it hears. */
export class TestPeer {
  readonly transport: PeerTransport;
  readonly messages: Message[] = [];
  readonly frames: { from: number; type: number; payload: Buffer }[] = [];
  readonly dropped: number[] = [];
  readonly up = new Set<number>();
  readonly gone = new Set<number>();
  /** How often this one was told that it was removed. */
  removals = 0;
  standing = new Map<number, Standing>();
  description: () => Promise<Uint8Array> = () => Promise.reject(new Error("nothing to tell"));
  readonly logged: string[] = [];
  readonly #dialed = new Set<number>();
  intake: TransportEvents["onSnapshot"] = () => Promise.reject<SnapshotSink>(new Error("declined"));
  port = 0;

  constructor(memberId: number, clusterId = 99, options: TestPeerOptions = {}) {
    const log = createLogger("debug", {}, { write: (line: string) => void this.logged.push(line) });
    this.transport = new PeerTransport({
      clusterId,
      memberId,
      address: options.address,
      leases: options.leases ?? false,
      log,
      now: () => performance.now(),
      random: () => 0,
      snapshotBytesPerSecond: options.snapshotBytesPerSecond ?? 2 ** 40,
      events: {
        onMessages: (_from, messages) => this.messages.push(...messages),
        onFrame: (from, type, payload) => this.frames.push({ from, type, payload }),
        onDropped: (id) => this.dropped.push(id),
        onLink: (id, up) => {
          if (up) this.up.add(id);
          else this.up.delete(id);
        },
        onGone: (id) => this.gone.add(id),
        onRemoved: () => void this.removals++,
        standing: (id) => this.standing.get(id) ?? (this.#dialed.has(id) ? "member" : "stranger"),
        describe: () => this.description(),
        onSnapshot: (from, header) => this.intake(from, header),
      },
    });
  }

  async start(port = 0): Promise<this> {
    this.port = await this.transport.listen({ host: "127.0.0.1", port });
    return this;
  }

  dials(id: number, port: number): void {
    this.#dialed.add(id);
    this.transport.setPeer(id, [{ host: "127.0.0.1", port }]);
  }
}

/** Two transports, 1 and 2, that dial each other. */
export async function pair(): Promise<[TestPeer, TestPeer]> {
  const a = await new TestPeer(1).start();
  const b = await new TestPeer(2).start();
  a.dials(2, b.port);
  b.dials(1, a.port);
  await until(() => a.up.has(2) && b.up.has(1), "both links up");
  return [a, b];
}
