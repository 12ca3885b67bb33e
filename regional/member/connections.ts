import type { HostPort } from "../../shared/address.js";
import type { Standing } from "../peer/hello.js";
import { parsePeerUrl } from "../peer/peer-url.js";
import type { PeerTransport } from "../peer/transport.js";
import { memberIds, type RegionState } from "../store/state.js";

function addressesOf(peerUrls: readonly string[]): HostPort[] {
  return peerUrls.flatMap((url) => parsePeerUrl(url) ?? []);
}

/** Keeps the transport to those, and only those, who are members, and tells who is one. */
export class Connections {
  readonly #self: number;
  readonly #transport: PeerTransport;
  readonly #state: () => RegionState;
  /** Whether this member only follows. */
  isLearner = false;

  /** @param state the current state; another one after a snapshot */
  constructor(self: number, transport: PeerTransport, state: () => RegionState) {
    this.#self = self;
    this.#transport = transport;
    this.#state = state;
  }

  /** Queues a frame for all others. */
  broadcast(frame: Buffer): void {
    for (const { id } of this.#transport.peers()) this.#transport.queueFrame(id, frame);
  }

  /** Dials the members where the state says they are, and gives up those who left. */
  follow(): void {
    const state = this.#state();
    const { confState } = state.applied;
    this.isLearner = confState.learners.includes(this.#self);
    const members = memberIds(confState);
    for (const id of members) {
      this.#transport.setPeer(id, addressesOf(state.member(id)?.peerUrls ?? []));
    }
    // Who doesn't know yet that it belongs to the group can't know who else does.
    if (!members.has(this.#self)) return;
    for (const { id } of this.#transport.peers()) {
      if (!members.has(id)) this.#transport.removePeer(id);
    }
  }

  /** Whether this member was removed from the group, as far as its state says. */
  get isRemoved(): boolean {
    return this.#state().isRemoved(this.#self);
  }

  /** What somebody who calls is to this member. */
  standing(id: number): Standing {
    const state = this.#state();
    if (state.isRemoved(id)) return "removed";
    const members = memberIds(state.applied.confState);
    // A newcomer learns who the others are by being called: they know its id and the cluster's.
    return members.has(id) || !members.has(this.#self) ? "member" : "stranger";
  }
}
