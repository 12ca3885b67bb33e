import { MEMBER_HEALTH_MS } from "../../shared/limits.js";
import { Refusal } from "../peer/proposal-wire.js";
import type { MemberChange } from "../store/member-change.js";

/** How near a learner's log must be to the leader's before it may vote; etcd's. */
const READY_PART = 0.9;

/** The group as its leader sees it at one moment. */
export interface GroupHealth {
  readonly self: number;
  readonly voters: readonly number[];
  readonly learners: readonly number[];
  /** Whether a member has ever published its name. */
  readonly isStarted: (id: number) => boolean;
  /** Milliseconds for which there has been a connection to another member; 0 without one. */
  readonly connectedMs: (id: number) => number;
  /** Index through which a member's log is known to be the leader's; undefined for a stranger. */
  readonly match: (id: number) => number | undefined;
}

/** Whether as many members are started as a majority of `all` takes. */
function isQuorum(started: number, all: number): boolean {
  return started >= Math.floor(all / 2) + 1;
}

function startedVoters({ voters, isStarted }: GroupHealth, except = 0): number {
  return voters.filter((id) => id !== except && isStarted(id)).length;
}

/** Voters, this member among them, that have been connected for a while. */
function connectedVoters({ self, voters, connectedMs }: GroupHealth): number {
  return voters.filter((id) => id === self || connectedMs(id) >= MEMBER_HEALTH_MS).length;
}

function addRefusal(health: GroupHealth, isLearner: boolean): Refusal | undefined {
  const started = startedVoters(health);
  const all = health.voters.length + 1;
  // The second member of a group may not have started yet: it is how a group begins to grow.
  const isSecond = started === 1 && all === 2;
  if (!isLearner && !isSecond && !isQuorum(started, all)) return Refusal.notEnoughStarted;
  return connectedVoters(health) < health.voters.length ? Refusal.unhealthy : undefined;
}

function removeRefusal(health: GroupHealth, id: number): Refusal | undefined {
  if (health.learners.includes(id)) return undefined;
  const left = health.voters.filter((voter) => voter !== id).length;
  if (left === 0 || !isQuorum(startedVoters(health, id), left)) return Refusal.notEnoughStarted;
  // One that is down counts in no majority: the group is better off without it.
  if (id !== health.self && health.connectedMs(id) === 0) return undefined;
  const needed = 1 + Math.floor((health.voters.length - 1) / 2);
  return connectedVoters(health) - 1 < needed ? Refusal.unhealthy : undefined;
}

function promoteRefusal(health: GroupHealth, id: number): Refusal | undefined {
  const match = health.match(id);
  const wanted = (health.match(health.self) ?? 0) * READY_PART;
  // Of a stranger the state says so itself, when the change is applied.
  if (match !== undefined && (health.connectedMs(id) === 0 || match < wanted)) {
    if (id !== health.self) return Refusal.learnerNotReady;
  }
  const isEnough = isQuorum(startedVoters(health) + 1, health.voters.length + 1);
  return isEnough ? undefined : Refusal.notEnoughStarted;
}

/**
 * Why a change of the members would endanger the group as it is now, or undefined when it may
 * go into the log (etcd `server/etcdserver/server.go`, mayAddMember, mayRemoveMember and
 * mayPromoteMember, with StrictReconfigCheck). Whether it makes sense at all is decided when
 * it is applied.
 */
export function changeRefusal(
  { kind, member, isLearner }: MemberChange,
  health: GroupHealth,
): Refusal | undefined {
  switch (kind) {
    case "add":
      return addRefusal(health, isLearner);
    case "remove":
      return removeRefusal(health, member.id);
    case "promote":
      return promoteRefusal(health, member.id);
  }
}
