import { formatHostPort, type HostPort } from "../../shared/address.js";
import { PEER_PING_INTERVAL_MS } from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { Message } from "../raft/index.js";
import { type Inbound, type InboundHandler, PeerAcceptor } from "./acceptor.js";
import { AddressBook } from "./address-book.js";
import { FrameType, makeFrame } from "./frame.js";
import { type Hello, helloFrame, Purpose, type Standing } from "./hello.js";
import { PeerLink } from "./link.js";
import { type SnapshotIntake, SnapshotReceiver } from "./snapshot-receiver.js";
import { type OutgoingSnapshot, sendSnapshot } from "./snapshot-sender.js";
import { Throttle } from "./throttle.js";
import { decodeMessages, MessageEncoder } from "./wire.js";

/** What a transport tells its member. */
export interface TransportEvents {
  /** Raft messages, in the order in which they were sent. */
  onMessages(from: number, messages: readonly Message[]): void;
  /** A frame of another type; throws DATA_LOSS when its payload is nonsense. */
  onFrame(from: number, type: number, payload: Buffer): void;
  /** Something for `id` was dropped. */
  onDropped(id: number): void;
  /** The connection to `id` is there again, or lost. */
  onLink(id: number, up: boolean): void;
  /**
   * The process of `id` seems to have ended: its connections are closed and nobody listens at
   * its address. Never said of a member that answers reads by lease. May be said again.
   */
  onGone(id: number): void;
  /** A member says that this one was removed from the group. */
  onRemoved(): void;
  /** How this member sees somebody who calls. */
  standing(id: number): Standing;
  /** What somebody who wants to join must know; rejects to say why not now. */
  describe(): Promise<Uint8Array>;
  readonly onSnapshot: SnapshotIntake;
}

export interface TransportOptions {
  readonly clusterId: number;
  readonly memberId: number;
  /** Where this member is reached, for it to say so itself; not where that isn't known. */
  readonly address?: HostPort | undefined;
  /** Whether this member answers reads by lease while it leads. */
  readonly leases: boolean;
  readonly log: Logger;
  readonly events: TransportEvents;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** A number in [0, 1) that spreads reconnects. */
  readonly random: () => number;
  /** Bytes of snapshots that are sent in a second at most. */
  readonly snapshotBytesPerSecond: number;
}

/** Bytes and connections of one peer, for metrics. */
export interface PeerStats {
  readonly id: number;
  readonly connected: boolean;
  /** Milliseconds for which it has been; 0 while it isn't. */
  readonly connectedMs: number;
  readonly sentBytes: number;
  readonly dropped: number;
}

/**
 * Carries frames between the members of a group. Each member dials each other one and
 * sends on the connection it has dialed; what is queued in a turn leaves with `flush()`
 * in one write a peer. Nothing is ever delivered twice.
 */
export class PeerTransport {
  readonly #options: TransportOptions;
  readonly #acceptor: PeerAcceptor;
  readonly #encoder = new MessageEncoder();
  readonly #links = new Map<number, PeerLink>();
  readonly #addresses = new AddressBook();
  /** Members that answer reads by lease while they lead, as they said when they called. */
  readonly #leasing = new Set<number>();
  readonly #stop = new AbortController();
  readonly #throttle: Throttle;
  #pings: NodeJS.Timeout | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#throttle = new Throttle(options.snapshotBytesPerSecond);
    this.#acceptor = new PeerAcceptor({
      clusterId: options.clusterId,
      memberId: options.memberId,
      standing: (id) => options.events.standing(id),
      log: options.log,
      open: (inbound, hello) => this.#open(inbound, hello),
      describe: () => options.events.describe(),
    });
  }

  /** Listens and gives the port. Throws UNAVAILABLE naming the address when it is taken. */
  async listen(address: HostPort): Promise<number> {
    const port = await this.#acceptor.listen(address);
    const ping = makeFrame(FrameType.ping, new Uint8Array(0));
    this.#pings = setInterval(() => {
      for (const link of this.#links.values()) link.check(ping);
    }, PEER_PING_INTERVAL_MS);
    return port;
  }

  /** Adds a member, or changes where it is dialed from now on: one address after the other. Nothing after the close. */
  setPeer(id: number, addresses: readonly HostPort[]): void {
    if (id === this.#options.memberId || this.#stop.signal.aborted) return;
    this.#addresses.set(id, addresses);
    this.#dial(id);
  }

  #dial(id: number): void {
    if (this.#links.has(id)) return;
    const { events, log, now, random } = this.#options;
    const link = new PeerLink({
      id,
      address: () => this.#addresses.next(id),
      hello: this.#hello(Purpose.messages, id),
      encoder: this.#encoder,
      log,
      now,
      random,
      onDropped: (peer) => events.onDropped(peer),
      onUp: (peer) => {
        this.#addresses.keep(peer);
        events.onLink(peer, true);
      },
      onDown: (peer) => events.onLink(peer, false),
      onRefused: (peer) => this.#lookForEnd(peer),
      onRemoved: () => events.onRemoved(),
    });
    this.#links.set(id, link);
  }

  #hello(purpose: Purpose, to: number): Buffer {
    const { clusterId, memberId: from, leases, address } = this.#options;
    const told = address === undefined ? "" : formatHostPort(address);
    return helloFrame({ purpose, clusterId, from, to, leases, address: told });
  }

  /** Says that a member is gone when nothing speaks against it. */
  #lookForEnd(id: number): void {
    const isRefused = this.#links.get(id)?.refused ?? false;
    if (!isRefused || this.#acceptor.hears(id) || this.#leasing.has(id)) return;
    this.#options.events.onGone(id);
  }

  /** Forgets a member that is no longer part of the group. */
  removePeer(id: number): void {
    this.#links.get(id)?.close();
    this.#links.delete(id);
    this.#addresses.delete(id);
    this.#acceptor.drop(id);
  }

  /** Milliseconds for which a member has been connected; 0 when it isn't. */
  connectedMs(id: number): number {
    return this.#links.get(id)?.connectedMs ?? 0;
  }

  /** The members that this one dials. */
  peers(): readonly PeerStats[] {
    return [...this.#links.values()].map((link) => ({
      id: link.id,
      connected: link.connected,
      connectedMs: link.connectedMs,
      sentBytes: link.sentBytes,
      dropped: link.dropped,
    }));
  }

  /** Bytes of snapshots that are sent in a second at most. */
  get snapshotBytesPerSecond(): number {
    return this.#throttle.bytesPerSecond;
  }

  get receivedBytes(): number {
    return this.#acceptor.receivedBytes;
  }

  /** Whether frames for `id` that are queued now will be written at the next flush. */
  isReady(id: number): boolean {
    return this.#links.get(id)?.ready ?? false;
  }

  /** Queues a raft message for its addressee; one for an unknown member is dropped. */
  queueMessage(message: Message): void {
    this.#links.get(message.to)?.queueMessage(message);
  }

  /** Queues a raft message that is worth no write of its own; see PeerLink.queueIdle. */
  queueIdle(message: Message): void {
    this.#links.get(message.to)?.queueIdle(message);
  }

  /** Queues a sealed frame; it goes out before the turn's raft messages. */
  queueFrame(to: number, frame: Buffer): void {
    this.#links.get(to)?.queueFrame(frame);
  }

  /** Writes everything that is queued. */
  flush(): void {
    for (const link of this.#links.values()) link.flush();
    this.#encoder.forget();
  }

  /** Writes what waited for others to go along with; called with each tick. */
  flushIdle(): void {
    for (const link of this.#links.values()) link.flushIdle();
  }

  /** Sends a snapshot file to a member; rejects as sendSnapshot does. */
  async sendSnapshot(to: number, snapshot: OutgoingSnapshot): Promise<void> {
    const hello = this.#hello(Purpose.snapshot, to);
    const address = this.#addresses.latest(to);
    const target = { address, hello, throttle: this.#throttle, signal: this.#stop.signal };
    await sendSnapshot(target, snapshot);
  }

  /** Drops all connections and stops listening. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#pings);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    await this.#acceptor.close();
  }

  #open(inbound: Inbound, { purpose, address, leases }: Hello): InboundHandler {
    const { events, memberId } = this.#options;
    if (leases) this.#leasing.add(inbound.from);
    else this.#leasing.delete(inbound.from);
    if (this.#addresses.tell(inbound.from, address)) this.#dial(inbound.from);
    this.#links.get(inbound.from)?.nudge();
    if (purpose === Purpose.snapshot) return new SnapshotReceiver(inbound, events.onSnapshot);
    return {
      frame: (type, payload) => {
        if (type === FrameType.raft) {
          events.onMessages(inbound.from, decodeMessages(payload, inbound.from, memberId));
        } else {
          events.onFrame(inbound.from, type, payload);
        }
      },
      closed: () => this.#lookForEnd(inbound.from),
    };
  }
}
