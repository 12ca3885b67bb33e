import { setTimeout as delay } from "node:timers/promises";
import { leaderIndex, moveLeader } from "../faults/leader.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { type EtcdCluster, startEtcd } from "../peers/etcd.js";
import { OpenLoad } from "./open-load.js";
import { quantile } from "./statistics.js";

/** Time for which a group is left alone before its leader goes: as long as the longest election timeout. */
const CALM_MS = 2_000;
/** How long after a transfer pauses are still counted. */
const AFTERMATH_MS = 500;

/** What happens to a leader. */
const EVENTS = ["kill -9", "transfer"] as const;
export type LeaderEvent = (typeof EVENTS)[number];

/** One line of the result: how long both systems took no writes. */
export interface AvailabilityRow {
  readonly event: LeaderEvent;
  readonly times: number;
  readonly atollP50Ms: number;
  readonly atollP99Ms: number;
  readonly etcdP50Ms: number;
  readonly etcdP99Ms: number;
}

interface System {
  readonly name: "atoll" | "etcd";
  readonly group: Region | EtcdCluster;
  readonly pauses: Record<LeaderEvent, number[]>;
}

/** Milliseconds from kill -9 of the leader to the next acknowledgement of a put begun after it. */
async function killLeader({ group }: System, load: OpenLoad): Promise<number> {
  const leader = await leaderIndex(group.endpoints);
  const killedMs = performance.now();
  const died = group.child(leader).kill();
  const { endedMs } = await load.firstAfter(killedMs);
  await died;
  if ((await leaderIndex(group.endpoints)) === leader) throw new Error("the killed member leads");
  await group.restart(leader);
  return endedMs - killedMs;
}

/** Milliseconds of the longest pause between acknowledgements while leadership is moved. */
async function transferLeader({ group }: System, load: OpenLoad): Promise<number> {
  const { endpoints } = group;
  const leader = await leaderIndex(endpoints);
  const next = (leader + 1) % endpoints.length;
  const beganMs = performance.now();
  await moveLeader(endpoints, next);
  await delay(AFTERMATH_MS);
  const pause = load.longestPause(beganMs, performance.now());
  if ((await leaderIndex(endpoints)) !== next) throw new Error("leadership was not moved");
  return pause;
}

/** Does it once under a load of its own; throws when an acknowledged put is lost. */
async function measure(system: System, event: LeaderEvent): Promise<number> {
  const load = new OpenLoad(system.group.endpoints);
  let pauseMs: number;
  try {
    await load.firstAfter(performance.now());
    await delay(CALM_MS);
    pauseMs = await (event === "transfer"
      ? transferLeader(system, load)
      : killLeader(system, load));
  } finally {
    await load.stop();
  }
  await load.check(system.group.endpoints);
  return pauseMs;
}

function at(system: System, event: LeaderEvent, fraction: number): number {
  return quantile(
    system.pauses[event].sort((a, b) => a - b),
    fraction,
  );
}

/**
 * How long writes pause when the leader dies and when leadership is moved, on three members of
 * Atoll and three of etcd with their default settings, `times` each, taking turns. Each time is
 * checked: another member leads, and nothing acknowledged is lost. `say` is told of each step.
 */
export async function runAvailabilitySuite(
  times: number,
  say: (text: string) => void,
): Promise<AvailabilityRow[]> {
  const etcd = await startEtcd({ members: 3 });
  try {
    const region = await startRegion({ members: 3 });
    try {
      const empty = (): System["pauses"] => ({ "kill -9": [], transfer: [] });
      const atoll: System = { name: "atoll", group: region, pauses: empty() };
      const peer: System = { name: "etcd", group: etcd, pauses: empty() };
      for (const event of EVENTS) {
        for (let round = 0; round < times; round++) {
          for (const system of [atoll, peer]) {
            say(`${event}, ${round + 1} of ${times}: ${system.name}`);
            system.pauses[event].push(await measure(system, event));
          }
        }
      }
      return EVENTS.map((event) => ({
        event,
        times,
        atollP50Ms: at(atoll, event, 0.5),
        atollP99Ms: at(atoll, event, 0.99),
        etcdP50Ms: at(peer, event, 0.5),
        etcdP99Ms: at(peer, event, 0.99),
      }));
    } finally {
      await region.stop();
    }
  } finally {
    await etcd.stop();
  }
}
