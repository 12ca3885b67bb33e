import { Refusal } from "../peer/proposal-wire.js";
import type { PeerTransport } from "../peer/transport.js";
import type { RawNode } from "../raft/index.js";
import { confChangeOf, decodeMemberChange, type MemberChange } from "../store/member-change.js";
import type { RegionState } from "../store/state.js";
import { changeRefusal, type GroupHealth } from "./member-guard.js";
import { successorOf } from "./successor.js";

/** What changes of the members are proposed to and judged by. */
export interface MemberChangesOptions {
  readonly self: number;
  readonly raft: RawNode;
  readonly transport: PeerTransport;
  readonly state: () => RegionState;
}

/** The leader's side of changes of the members: whether they are safe now, and into the log. */
export class MemberChanges {
  readonly #options: MemberChangesOptions;

  constructor(options: MemberChangesOptions) {
    this.#options = options;
  }

  /**
   * Proposes the change in a command on this node, which leads; undefined when it is in the
   * log. `notLeading` stands for "not now": another change is under way, or leadership goes
   * to somebody else first, because a leader that removes itself would leave the group to
   * an election.
   */
  propose(command: Uint8Array): Refusal | undefined {
    const { raft } = this.#options;
    const change = decodeMemberChange(command);
    if (typeof change === "string") {
      // What is wrong with it is said where it is applied.
      return raft.propose([command]) === "appended" ? undefined : Refusal.notLeading;
    }
    const refusal = changeRefusal(change, this.#health());
    if (refusal !== undefined) return refusal;
    if (this.#handsOverFirst(change)) return Refusal.notLeading;
    const outcome = raft.proposeConfChange(confChangeOf(change, command));
    if (outcome === "uncommitted-limit") return Refusal.tooMany;
    return outcome === "appended" ? undefined : Refusal.notLeading;
  }

  #handsOverFirst({ kind, member }: MemberChange): boolean {
    const { self, raft, transport } = this.#options;
    if (kind !== "remove" || member.id !== self) return false;
    const to = successorOf(raft.status(), (id) => transport.isReady(id));
    if (to === undefined) return false;
    raft.transferLeader(to);
    return true;
  }

  #health(): GroupHealth {
    const { self, raft, transport, state } = this.#options;
    const { confState, progress } = raft.status();
    return {
      self,
      voters: confState.voters,
      learners: confState.learners,
      isStarted: (id) => (state().member(id)?.name ?? "") !== "",
      connectedMs: (id) => transport.connectedMs(id),
      match: (id) => progress?.get(id)?.match,
    };
  }
}
