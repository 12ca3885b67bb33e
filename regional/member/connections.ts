import type { HostPort } from "../../shared/address.js";
import type { PeerTransport } from "../peer/transport.js";
import type { ConfState } from "../raft/index.js";

/** Keeps the transport dialing those, and only those, who are in the membership. */
export class Connections {
  readonly #transport: PeerTransport;
  readonly #addresses: ReadonlyMap<number, HostPort>;

  /** @param addresses where members are reached, by id */
  constructor(transport: PeerTransport, addresses: ReadonlyMap<number, HostPort>) {
    this.#transport = transport;
    this.#addresses = addresses;
  }

  /** Queues a frame for all others. */
  broadcast(frame: Buffer): void {
    for (const { id } of this.#transport.peers()) this.#transport.queueFrame(id, frame);
  }

  /** The membership is `confState` now. */
  follow(confState: ConfState): void {
    const { voters, learners, votersOutgoing } = confState;
    const members = new Set([...voters, ...learners, ...votersOutgoing]);
    for (const id of members) {
      const address = this.#addresses.get(id);
      if (address !== undefined) this.#transport.setPeer(id, address);
    }
    for (const { id } of this.#transport.peers()) {
      if (!members.has(id)) this.#transport.removePeer(id);
    }
  }
}
