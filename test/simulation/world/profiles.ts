import type { Random } from "../../../shared/random.js";
import type { WorldSettings } from "./settings.js";

/**
 * Kinds of worlds: ordinary ones have a bit of everything, others much of what only shows
 * together. None is made for a certain mistake, but for a kind of circumstances in which
 * consensus is known to be hard.
 */
export const PROFILES = [
  "ordinary",
  "churn",
  "contests",
  "reconfiguration",
  "pauses",
  "stragglers",
  "laggards",
  "damage",
] as const;
export type Profile = (typeof PROFILES)[number];

/** How often each kind comes, in parts of the sum. */
const SHARES: Record<Profile, number> = {
  ordinary: 30,
  churn: 18,
  contests: 10,
  reconfiguration: 14,
  pauses: 10,
  stragglers: 10,
  laggards: 8,
  damage: 8,
};

type Change = (random: Random, world: WorldSettings) => WorldSettings;

/** Another number of members, the first of whom vote from the start. */
function resized(
  random: Random,
  { tickPeriods }: WorldSettings,
  members: number,
  firstVoters: number,
): Pick<WorldSettings, "members" | "firstVoters" | "tickPeriods"> {
  const periods = Array.from({ length: members }, () => random.pick(tickPeriods));
  return { members, firstVoters, tickPeriods: periods };
}

/** Leaders come and go before they have replicated much: where terms get mixed up, if ever. */
const churn: Change = (random, world) => ({
  ...world,
  ...resized(random, world, Math.min(5, world.members), Math.min(5, world.members)),
  node: {
    ...world.node,
    electionTicks: 6,
    heartbeatTicks: 1,
    maxSizePerMessage: 0,
    maxInflightMessages: random.pick([8, 64]),
  },
  network: {
    ...world.network,
    loss: random.pick([0.05, 0.2, 0.35]),
    maxDelay: random.pick([4, 12]),
  },
  clients: { ...world.clients, clients: 8, think: 10, faith: 0 },
  faults: [...world.faults, "crash", "crash-leader", "isolate-leader"],
  faultPeriod: random.pick([200, 400]),
  requestPeriod: 400,
  maxDownTime: random.pick([30, 100]),
  leaderFrailty: random.pick([0.6, 0.9]),
  duration: 3000 + random.int(3000),
});

/** Several stand for election at a time, and processes are back before the votes are. */
const contests: Change = (random, world) => {
  const members = random.pick([3, 3, 5]);
  return {
    ...world,
    ...resized(random, world, members, members),
    node: { ...world.node, electionTicks: 5, heartbeatTicks: 1, preVote: random.chance(0.2) },
    network: {
      ...world.network,
      loss: 0.01,
      maxDelay: random.pick([12, 30]),
      straggling: 0.2,
      stragglerFactor: 6,
    },
    maxSyncTime: random.pick([2, 20]),
    clients: { ...world.clients, clients: 8, think: 10 },
    faults: ["crash", "crash", "crash-leader", "disk-stall", "disk-stall", "power-cut"],
    faultPeriod: random.pick([40, 100]),
    maxDownTime: random.pick([5, 30]),
    leaderFrailty: 0.8,
  };
};

/** The membership changes all the time, by several members too, while leaders are cut off. */
const reconfiguration: Change = (random, world) => {
  const members = 5 + random.int(3);
  return {
    ...world,
    ...resized(random, world, members, 3),
    faults: ["isolate-leader", "isolate-leader", "split", "crash-leader", "crash", "one-way"],
    faultPeriod: random.pick([100, 200]),
    requests: ["membership", "membership", "membership", "transfer"],
    requestPeriod: random.pick([25, 60]),
    duration: 3000,
  };
};

/** Processes that stand still and go on as if nothing had been, with leases and without. */
const pauses: Change = (random, world) => {
  const leases = random.chance(0.5);
  return {
    ...world,
    node: {
      ...world.node,
      electionTicks: 5,
      heartbeatTicks: 1,
      checkQuorum: leases || random.chance(0.3),
      readOnly: leases ? "leaseBased" : "safe",
    },
    tickPeriods: world.tickPeriods.map(() => 15 + random.int(2)),
    clients: { ...world.clients, clients: 8, think: 10, keys: 2, readShare: 0.5, faith: 0.9 },
    faults: ["pause-leader", "pause-leader", "pause", "isolate-leader", "one-way"],
    faultPeriod: random.pick([100, 200]),
    maxPause: 400,
  };
};

/** Some messages take longer than an election. */
const stragglers: Change = (random, world) => ({
  ...world,
  node: {
    ...world.node,
    electionTicks: 5,
    heartbeatTicks: 1,
    checkQuorum: world.node.readOnly === "leaseBased" || random.chance(0.3),
  },
  network: {
    ...world.network,
    maxDelay: 12,
    straggling: random.pick([0.1, 0.3]),
    stragglerFactor: random.pick([20, 40]),
  },
  clients: { ...world.clients, clients: 8, think: 10, keys: 2, readShare: 0.6 },
  faults: ["isolate-leader", "isolate-leader", "split", "one-way", "cut-link", "crash"],
  faultPeriod: random.pick([100, 200]),
});

/** Members fall behind others that keep little of their logs. */
const laggards: Change = (random, world) => ({
  ...world,
  network: { ...world.network, doubling: 0.1, straggling: 0.1, stragglerFactor: 20 },
  logMargin: 0,
  checkpointPeriod: random.pick([40, 100]),
  maxSyncTime: random.pick([10, 40, 100]),
  clients: { ...world.clients, clients: 8, think: 10 },
  faults: [...world.faults, "crash", "isolate", "isolate", "disk-stall"],
  faultPeriod: random.pick([150, 300]),
});

/** Memory that changes by itself: a fault that no protocol heals, and the state must show. */
const damage: Change = (_, world) => ({
  ...world,
  network: { ...world.network, maxDelay: 12, straggling: 0 },
  clients: { ...world.clients, keys: 2, readShare: 0.2 },
  faults: ["bit-flip", "bit-flip", "bit-flip", "crash", "isolate", "disk-stall", "pause"],
  audits: true,
  // In a group of one or two, nobody can tell who is right.
  requests: ["transfer", "campaign"],
  firstVoters: world.members,
});

const CHANGES: Record<Profile, Change> = {
  ordinary: (_, world) => world,
  churn,
  contests,
  reconfiguration,
  pauses,
  stragglers,
  laggards,
  damage,
};

/** Makes an ordinary world one of some kind. */
export function drawProfile(random: Random, world: WorldSettings): WorldSettings {
  const sum = PROFILES.reduce((before, profile) => before + SHARES[profile], 0);
  let rest = random.int(sum);
  const profile = PROFILES.find((each) => {
    rest -= SHARES[each];
    return rest < 0;
  }) as Profile;
  return { ...CHANGES[profile](random, world), profile };
}
