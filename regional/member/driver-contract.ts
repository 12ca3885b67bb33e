import type { Clock } from "../../shared/clock.js";
import type { Logger } from "../../shared/log.js";
import type { DurableLog } from "../log/durable-log.js";
import type { Refusal } from "../peer/proposal-wire.js";
import type { PeerTransport } from "../peer/transport.js";
import type { Entry, Message, RawNode } from "../raft/index.js";

/** Applies committed entries; see Applier. */
export interface EntryApplier {
  apply(entries: readonly Entry[]): void;
  /** Index through which the state is applied. */
  readonly applied: number;
  /** True while the state database is too far behind, or is being replaced. */
  readonly blocked: boolean;
  /** The local log is durable through `index`. */
  logDurable(index: number): void;
  /** Background work of a turn; true while there is more. */
  housekeep(): boolean;
}

/** What the driver hands on. */
export interface DriverEvents {
  /** Another leader is known; NO_NODE when none is. */
  onLeader(lead: number, term: number): void;
  /** This member leads and has applied an entry of its term. */
  onLeading(term: number): void;
  /** The turn ends: what was collected besides proposals and reads is to be queued now. */
  onTurn(): void;
  /** A snapshot is to be sent to `message.to`. */
  onSnapshotOut(message: Message): void;
  /** A received snapshot is to replace log and state; resolves when it has. */
  onInstall(message: Message): Promise<void>;
  /** The node's own rules are broken or its disk is: the member must stop. */
  onFatal(error: unknown): void;
}

export interface DriverOptions {
  readonly self: number;
  readonly raft: RawNode;
  readonly log: DurableLog;
  readonly transport: PeerTransport;
  readonly applier: EntryApplier;
  readonly events: DriverEvents;
  /** Proposes a change of the members, as the leader; undefined when it is in the log. */
  readonly changeMembers: (command: Uint8Array) => Refusal | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Two random integers below 2^32 that this member never had before. */
  readonly nonces: readonly [number, number];
}
