import type { Random } from "../../../shared/random.js";
import type { NodeSettings } from "./member.js";
import { drawProfile } from "./profiles.js";
import {
  FAULTS,
  type Fault,
  MAX_ELECTION_TICKS,
  MEAN_TICK,
  REQUESTS,
  type WorldSettings,
} from "./settings.js";

function drawTickPeriods(random: Random, members: number, leases: boolean): number[] {
  // Leases bear members' clocks that differ by one part in eight; others bear anything.
  const spread = leases ? 1 : 6;
  const periods: number[] = [];
  for (let i = 0; i < members; i++)
    periods.push(MEAN_TICK - (spread >> 1) + random.int(spread + 1));
  return periods;
}

/** Priorities need check-quorum; most worlds have none. */
function drawPriorities(random: Random, node: NodeSettings, members: number): number[] {
  const some = node.checkQuorum === true && random.chance(0.3);
  return Array.from({ length: members }, () => (some ? random.int(3) : 0));
}

function drawNode(random: Random, leases: boolean): NodeSettings {
  const electionTicks = random.pick([5, MAX_ELECTION_TICKS]);
  const maxInflightMessages = random.pick([1, 2, 8, 64]);
  return {
    electionTicks,
    heartbeatTicks: 1 + random.int(electionTicks >> 2),
    // A single entry on its way at a time would be too slow for these clients.
    maxSizePerMessage: random.pick(maxInflightMessages < 8 ? [400, 4000] : [0, 100, 4000]),
    maxCommittedSizePerReady: random.pick([1, 200, 2000]),
    maxUncommittedSize: random.pick([600, 4000, 1_000_000]),
    maxInflightMessages,
    maxInflightBytes: random.pick([4000, 100_000]),
    checkQuorum: leases || random.chance(0.6),
    preVote: random.chance(0.6),
    readOnly: leases ? "leaseBased" : "safe",
    disableProposalForwarding: random.chance(0.1),
    stepDownOnRemoval: random.chance(0.7),
    random: (n) => random.int(n),
  };
}

/** Clocks that jump are more than leases promise to bear; flipped bits have worlds of their own. */
function bears(fault: Fault, leases: boolean): boolean {
  if (fault === "bit-flip") return false;
  return !leases || (fault !== "clock-rate" && fault !== "clock-jump");
}

/** A world with a bit of everything. */
function drawOrdinary(random: Random): WorldSettings {
  const members = 3 + random.int(5);
  const leases = random.chance(0.25);
  const node = drawNode(random, leases);
  const faults = FAULTS.filter((fault) => bears(fault, leases) && random.chance(0.6));
  return {
    profile: "ordinary",
    members,
    firstVoters: random.chance(0.3) ? 3 + random.int(members - 2) : members,
    node,
    priorities: drawPriorities(random, node, members),
    newsOfEnds: random.chance(0.4),
    tickPeriods: drawTickPeriods(random, members, leases),
    network: {
      loss: random.pick([0, 0.01, 0.05, 0.15]),
      doubling: random.pick([0, 0.02, 0.1]),
      minDelay: 1,
      maxDelay: random.pick([4, 4, 12, 40]),
      straggling: random.pick([0, 0.01, 0.05]),
      stragglerFactor: 10,
    },
    maxSyncTime: random.pick([2, 10, 40]),
    // One entry at a time, each slowly, would be slower than the clients are.
    maxApplyTime: random.pick(node.maxCommittedSizePerReady === 1 ? [1, 5] : [1, 5, 40]),
    logMargin: random.pick([0, 8, 30]),
    checkpointPeriod: random.pick([200, 600]),
    clients: {
      clients: 4 + random.int(5),
      think: random.pick([10, 40, 100]),
      keys: 1 + random.int(6),
      readShare: random.pick([0.2, 0.4, 0.6]),
      faith: random.pick([0, 0.9]),
    },
    faults: faults.length > 0 ? faults : ["crash"],
    faultPeriod: random.pick([80, 150, 250]),
    requests: REQUESTS.filter(() => random.chance(0.7)),
    requestPeriod: random.pick([80, 200]),
    maxDownTime: random.pick([60, 400]),
    maxPause: random.pick([100, 400]),
    audits: false,
    leaderFrailty: 0,
    duration: 2000 + random.int(1000),
  };
}

/** Draws the settings of a world. */
export function drawSettings(random: Random): WorldSettings {
  return drawProfile(random, drawOrdinary(random));
}
