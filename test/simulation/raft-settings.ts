import type { Random } from "../../shared/random.js";
import type { NodeSettings } from "./raft-member.js";
import type { NetworkSettings } from "./raft-network.js";

/** Kinds of trouble; each world has some of them (swarm testing). */
export const FAULTS = [
  "crash",
  "crash-leader",
  "power-cut",
  "isolate",
  "split",
  "one-way",
  "heal",
  "disk-stall",
  "transfer",
  "campaign",
  "forget-leader",
  "membership",
] as const;
export type Fault = (typeof FAULTS)[number];

/** Everything that makes one world different from another. */
export interface RaftWorldSettings {
  readonly members: number;
  readonly node: NodeSettings;
  /** Virtual time between two ticks of each member. */
  readonly tickPeriods: readonly number[];
  readonly network: NetworkSettings;
  readonly maxSyncTime: number;
  readonly maxApplyTime: number;
  readonly clients: number;
  /** Most that a client rests between operations. */
  readonly think: number;
  readonly faults: readonly Fault[];
  /** Mean time between faults. */
  readonly faultPeriod: number;
  /** Most that a crashed member stays down. */
  readonly maxDownTime: number;
  /** Chance that a new leader crashes soon, perhaps before it has replicated anything. */
  readonly leaderFrailty: number;
  /** Time for which there are faults. */
  readonly duration: number;
}

const MAX_ELECTION_TICKS = 10;
const MEAN_TICK = 16;

/** Draws the settings of a world. */
export function drawSettings(random: Random): RaftWorldSettings {
  const members = 3 + random.int(3);
  const leases = random.chance(0.25);
  const checkQuorum = leases || random.chance(0.6);
  // Leases bear members' clocks that differ by one part in eight; others bear anything.
  const spread = leases ? 1 : 6;
  const tickPeriods: number[] = [];
  for (let i = 0; i < members; i++)
    tickPeriods.push(MEAN_TICK - (spread >> 1) + random.int(spread + 1));
  // Leaders come and go before they have replicated much: where terms get mixed up, if ever.
  const churn = random.chance(0.4);
  const electionTicks = churn ? 6 : random.pick([5, MAX_ELECTION_TICKS]);
  const slow = !churn && random.chance(0.3);
  const maxInflightMessages = random.pick(churn ? [8, 64] : [1, 2, 8, 64]);
  const faults = FAULTS.filter(
    (fault) => random.chance(0.7) || (churn && (fault === "crash" || fault === "crash-leader")),
  );
  return {
    members,
    node: {
      electionTicks,
      heartbeatTicks: 1 + random.int(electionTicks >> 2),
      // A single entry on its way at a time would be too slow for these clients.
      maxSizePerMessage: random.pick(
        churn ? [0] : maxInflightMessages < 8 ? [400, 4000] : [0, 100, 4000],
      ),
      maxCommittedSizePerReady: random.pick([1, 200, 2000]),
      maxUncommittedSize: random.pick([400, 4000, 1_000_000]),
      maxInflightMessages,
      maxInflightBytes: random.pick([4000, 100_000]),
      checkQuorum,
      preVote: random.chance(0.6),
      readOnly: leases ? "leaseBased" : "safe",
      disableProposalForwarding: random.chance(0.1),
      stepDownOnRemoval: random.chance(0.7),
      random: (n) => random.int(n),
    },
    tickPeriods,
    network: {
      loss: random.pick(churn ? [0.05, 0.2, 0.35] : [0, 0.01, 0.05, 0.15]),
      doubling: random.pick([0, 0.02, 0.1]),
      minDelay: 1,
      maxDelay: slow ? 60 : random.pick([4, 12]),
      straggling: random.pick([0, 0.01, 0.05]),
    },
    maxSyncTime: random.pick([2, 10, 40]),
    maxApplyTime: random.pick([1, 5, 40]),
    clients: 2 + random.int(3),
    think: random.pick([10, 40, 120]),
    faults,
    faultPeriod: random.pick(churn ? [200, 500] : [80, 200, 500]),
    maxDownTime: random.pick(churn ? [30, 100] : [60, 600]),
    leaderFrailty: churn ? random.pick([0.6, 0.9]) : 0,
    duration: 3000 + random.int(3000),
  };
}

/** A network without faults, for the time in which a world must recover. */
export const GOOD_NETWORK: NetworkSettings = {
  loss: 0,
  doubling: 0,
  minDelay: 1,
  maxDelay: 5,
  straggling: 0,
};

/**
 * Virtual time in which a world without faults must have recovered: enough for a hundred
 * election timeouts of the slowest member, most of it for catching up over slow disks.
 */
export const RECOVERY_BOUND = 100 * MAX_ELECTION_TICKS * (MEAN_TICK + 3);
