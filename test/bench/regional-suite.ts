import { KV, Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { startRegion } from "../peers/atoll.js";
import { startEtcd } from "../peers/etcd.js";
import type { LoadResult } from "./load/generator.js";
import { runLoadInWorker } from "./load/in-worker.js";
import type { LoadKind } from "./load/requests.js";
import { median, quantile } from "./statistics.js";

/** What both systems are, to a load. */
interface System {
  readonly name: "atoll" | "etcd";
  readonly endpoints: readonly string[];
  /** Keys 0 to this, exclusive, have been put. */
  keys: number;
}

/** One line of the result: a load on both systems. */
export interface RegionalRow {
  readonly kind: LoadKind;
  readonly inFlight: number;
  readonly atollPerSecond: number;
  readonly etcdPerSecond: number;
  readonly ratio: number;
  readonly atollP50Us: number;
  readonly atollP99Us: number;
  readonly etcdP50Us: number;
  readonly etcdP99Us: number;
}

export interface RegionalSuiteOptions {
  readonly rounds: number;
  readonly secondsALoad: number;
  readonly inFlight: readonly number[];
}

const CONNECTIONS = 10;
const PREFIX = "bench/";
/** Both systems get one load of each kind before anything counts: code is compiled as it runs. */
const WARM_UP_IN_FLIGHT = 100;
/** The answer of a get holds the 256-byte value; one that doesn't found no key. */
const LEAST_GET_ANSWER_BYTES = 256;

async function revisionOf(endpoint: string): Promise<number> {
  const client = new RpcClient(endpoint);
  try {
    // A linearizable read: the revision of all that was acknowledged before it.
    const answer = await client.unary(KV.method.range, {
      key: new Uint8Array([1]),
      countOnly: true,
    });
    return Number(answer.header?.revision ?? 0n);
  } finally {
    client.close();
  }
}

async function leaderFirst(endpoints: readonly string[]): Promise<string[]> {
  const answers = await Promise.all(
    endpoints.map(async (endpoint) => {
      const client = new RpcClient(endpoint);
      try {
        const status = await client.unary(Maintenance.method.status, {});
        return { endpoint, leads: status.leader === status.header?.memberId };
      } finally {
        client.close();
      }
    }),
  );
  return answers.sort((a, b) => Number(b.leads) - Number(a.leads)).map((answer) => answer.endpoint);
}

/**
 * Loads one system once. Throws when calls failed, when the revision didn't rise by
 * exactly as many puts as are claimed, or when a get came back without its value.
 */
async function loadOnce(
  system: System,
  kind: LoadKind,
  inFlight: number,
  options: RegionalSuiteOptions,
): Promise<LoadResult> {
  const targets = await leaderFirst(system.endpoints);
  const first = targets[0] as string;
  const before = await revisionOf(first);
  const result = await runLoadInWorker({
    kind,
    targets,
    inFlight,
    connections: Math.min(inFlight, CONNECTIONS),
    prefix: PREFIX,
    firstKey: kind === "put" ? system.keys : 0,
    keys: kind === "put" ? Number.MAX_SAFE_INTEGER : system.keys,
    durationMs: options.secondsALoad * 1000,
  });
  const what = `${system.name}, ${kind} at ${inFlight} in flight`;
  if (result.failed > 0)
    throw new Error(`${what}: ${result.failed} of ${result.calls} calls failed`);
  const risen = (await revisionOf(first)) - before;
  const wanted = kind === "put" ? result.calls : 0;
  if (risen !== wanted)
    throw new Error(`${what}: ${wanted} puts were answered, and the revision rose by ${risen}`);
  if (kind === "put") system.keys += result.calls;
  else if (result.minAnswerBytes < LEAST_GET_ANSWER_BYTES) {
    throw new Error(
      `${what}: a get came back with ${result.minAnswerBytes} bytes, so without its value`,
    );
  }
  return result;
}

function summarise(
  kind: LoadKind,
  inFlight: number,
  atoll: LoadResult[],
  etcd: LoadResult[],
): RegionalRow {
  const rate = (results: LoadResult[]): number => median(results.map((r) => r.calls / r.seconds));
  const at = (results: LoadResult[], q: number): number =>
    median(results.map((r) => quantile(r.latenciesUs, q)));
  return {
    kind,
    inFlight,
    atollPerSecond: rate(atoll),
    etcdPerSecond: rate(etcd),
    ratio: median(
      atoll.map((r, i) => r.calls / r.seconds / ((etcd[i]?.calls ?? 0) / (etcd[i]?.seconds ?? 1))),
    ),
    atollP50Us: at(atoll, 0.5),
    atollP99Us: at(atoll, 0.99),
    etcdP50Us: at(etcd, 0.5),
    etcdP99Us: at(etcd, 0.99),
  };
}

/**
 * Puts of distinct keys and linearizable gets against three members of Atoll and
 * three of etcd, on the same disk with fsync, in alternating rounds; the ratio is
 * the median of the rounds' ratios. `say` is told of each step.
 */
export async function runRegionalSuite(
  options: RegionalSuiteOptions,
  say: (text: string) => void,
): Promise<RegionalRow[]> {
  const etcd = await startEtcd({ members: 3 });
  try {
    const region = await startRegion({ members: 3 });
    try {
      const systems: System[] = [
        { name: "atoll", endpoints: region.endpoints, keys: 0 },
        { name: "etcd", endpoints: etcd.endpoints, keys: 0 },
      ];
      for (const system of systems) {
        say(`warming up ${system.name}`);
        for (const kind of ["put", "get"] as const)
          await loadOnce(system, kind, WARM_UP_IN_FLIGHT, options);
      }
      const rows: RegionalRow[] = [];
      for (const inFlight of options.inFlight) {
        for (const kind of ["put", "get"] as const) {
          const results: Record<System["name"], LoadResult[]> = { atoll: [], etcd: [] };
          for (let round = 0; round < options.rounds; round++) {
            for (const system of round % 2 === 0 ? systems : [...systems].reverse()) {
              say(
                `${kind}, ${inFlight} in flight, round ${round + 1} of ${options.rounds}: ${system.name}`,
              );
              results[system.name].push(await loadOnce(system, kind, inFlight, options));
            }
          }
          rows.push(summarise(kind, inFlight, results.atoll, results.etcd));
        }
      }
      return rows;
    } finally {
      await region.stop();
    }
  } finally {
    await etcd.stop();
  }
}
