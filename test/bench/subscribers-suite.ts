import { errorText } from "../../shared/errors.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { startEtcd } from "../peers/etcd.js";
import { startEtcdProxy } from "../peers/etcd-proxy.js";
import { startWorld } from "../peers/gateway.js";
import { BENCH_DEFINITION, BENCH_SUMMARY, benchRecord, type Dialect } from "./load/deliveries.js";
import { FollowerProcesses } from "./load/follower-processes.js";
import type { Followed, FollowJob } from "./load/followers.js";
import { type PacedResult, pacedPuts } from "./load/paced-puts.js";
import { CpuMeter, residentMib } from "./process-usage.js";
import { median, quantile } from "./statistics.js";

export interface SubscribersOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly subscribers: number;
  readonly groups: number;
  /** Puts a second, one load each. */
  readonly rates: readonly number[];
}

/** Who serves the subscribers. */
export const SERVERS = ["atoll gateway", "etcd", "etcd grpc-proxy"] as const;
export type ServerName = (typeof SERVERS)[number];

/** What one server did under one load: medians of its rounds. */
export interface SubscribersRow {
  readonly putsPerSecond: number;
  readonly server: ServerName;
  /** Groups' updates that reached a subscriber, until all had the last state. */
  readonly deliveriesPerSecond: number;
  /** From a put's answer to a subscriber with its state, or a later one of its group. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From when a put was due to the same: a store that is slow to answer gains nothing. */
  readonly wholeP50Ms: number;
  readonly wholeP99Ms: number;
  /** CPU seconds a second: of the process that has the subscribers, and of it and its store. */
  readonly cpu: number;
  readonly cpuWithStore: number;
  /** CPU time of both for each put that reached one subscriber. */
  readonly cpuUsPerPut: number;
  readonly rssMib: number;
  /** What a subscriber's connection carried for each of its deliveries. */
  readonly bytesPerDelivery: number;
  /** Messages that subscribers got: each may bring many groups. */
  readonly messagesPerSecond: number;
  /** The part of the puts that the store refused, as too many. */
  readonly refusedPuts: number;
  /** The busiest process of subscribers. */
  readonly subscriberCpu: number;
  /** Atoll's beside this one's, medians of the rounds' ratios; above 1 is better. Latencies are whole ones. */
  readonly ratio: Record<RatioName, number>;
}

type RatioName = "deliveries" | "p50" | "p99" | "cpu" | "bytes";
type Round = Omit<SubscribersRow, "putsPerSecond" | "server" | "ratio">;

interface Server {
  readonly name: ServerName;
  readonly dialect: Dialect;
  /** Where the subscribers go. */
  readonly target: string;
  /** Where the puts go. */
  readonly store: string;
  readonly pid: number;
  /** Undefined where one process is both. */
  readonly storePid: number | undefined;
}

const STAND_MS = 60_000;
/** How long a server that fell behind is waited for. */
const CATCH_UP_MS = 180_000;

/** One load on one server. Throws when a subscriber's stream ends, or its last state doesn't come. */
class Bench {
  readonly #options: SubscribersOptions;
  /** Puts so far, by store: numbers are never used again. */
  readonly #next = new Map<string, number>();

  constructor(options: SubscribersOptions) {
    this.#options = options;
  }

  /** Writes every group once. */
  async prepare(store: string): Promise<void> {
    const { groups } = this.#options;
    const client = new EtcdClient({ endpoints: [store] });
    try {
      await put(client, `/atoll/summaries/${BENCH_SUMMARY}`, BENCH_DEFINITION);
    } finally {
      client.close();
    }
    await this.#put(store, 0, groups, GENTLE_PER_SECOND);
    this.#next.set(store, groups);
  }

  async round(server: Server, perSecond: number): Promise<Round> {
    const { subscribers, groups, seconds } = this.#options;
    const firstPut = this.#next.get(server.store) ?? 0;
    const puts = Math.round(perSecond * seconds);
    this.#next.set(server.store, firstPut + puts);
    const { dialect, target } = server;
    const job: FollowJob = { dialect, target, subscribers, groups, firstPut, puts };
    const processes = await FollowerProcesses.start(job, STAND_MS);
    try {
      await processes.begin();
      const servers = server.storePid === undefined ? [server.pid] : [server.pid, server.storePid];
      const meter = await CpuMeter.start([...servers, ...processes.pids]);
      const load = await this.#put(server.store, firstPut, puts, perSecond);
      await processes.haveAll(CATCH_UP_MS);
      const { seconds: cpu, share } = await meter.read();
      const rssMib = await residentMib(server.pid);
      const followed = await processes.end([load.answeredMs, load.dueMs]);
      const sum = (of: (part: (typeof followed)[number]) => number): number =>
        followed.reduce((total, part) => total + of(part), 0);
      const deliveries = sum((part) => part.deliveries);
      const endedMs = Math.max(...followed.map((part) => part.endedMs));
      const [answered, whole] = [0, 1].map((kind) => sorted(followed, kind)) as [
        Float32Array,
        Float32Array,
      ];
      const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
      return {
        deliveriesPerSecond: (deliveries * 1_000) / (endedMs - load.beganMs),
        p50Ms: quantile(answered, 0.5),
        p99Ms: quantile(answered, 0.99),
        wholeP50Ms: quantile(whole, 0.5),
        wholeP99Ms: quantile(whole, 0.99),
        cpu: share[0] ?? Number.NaN,
        cpuWithStore: total(share.slice(0, servers.length)),
        cpuUsPerPut: (total(cpu.slice(0, servers.length)) * 1e6) / (subscribers * puts),
        rssMib,
        bytesPerDelivery: sum((part) => part.bytes) / deliveries,
        subscriberCpu: Math.max(...share.slice(servers.length)),
        refusedPuts: load.refused.length / puts,
        messagesPerSecond: (sum((part) => part.messages) * 1_000) / (endedMs - load.beganMs),
      };
    } finally {
      await processes.stop();
    }
  }

  /** Puts so many numbers; each group's last one even when the store refused it at first. */
  async #put(
    target: string,
    firstPut: number,
    puts: number,
    perSecond: number,
  ): Promise<PacedResult> {
    const { groups } = this.#options;
    const record = (n: number): { key: string; value: string } => benchRecord(firstPut + n, groups);
    const load = await pacedPuts({ target, puts, perSecond, record });
    let left = load.refused.filter((n) => n >= puts - groups);
    while (left.length > 0) {
      const again = left;
      const { refused } = await pacedPuts({
        target,
        puts: again.length,
        perSecond: GENTLE_PER_SECOND,
        record: (n) => record(again[n] as number),
      });
      left = refused.map((n) => again[n] as number);
    }
    return load;
  }
}

/** All processes' latencies of a kind, ascending. */
function sorted(followed: readonly Followed[], kind: number): Float32Array {
  const parts = followed.map(({ latenciesMs }) => latenciesMs[kind] as Float32Array);
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  return all.sort();
}

/** Puts a second that no store refuses. */
const GENTLE_PER_SECOND = 500;

function summarise(
  putsPerSecond: number,
  server: ServerName,
  rounds: readonly Round[],
  atoll: readonly Round[],
): SubscribersRow {
  const of = (name: keyof Round): number => median(rounds.map((round) => round[name]));
  const ratio = (name: keyof Round, more: "atoll is more" | "atoll is less"): number =>
    median(
      rounds.map((round, index) => {
        const own = atoll[index]?.[name] ?? Number.NaN;
        return more === "atoll is more" ? own / round[name] : round[name] / own;
      }),
    );
  return {
    putsPerSecond,
    server,
    deliveriesPerSecond: of("deliveriesPerSecond"),
    p50Ms: of("p50Ms"),
    p99Ms: of("p99Ms"),
    wholeP50Ms: of("wholeP50Ms"),
    wholeP99Ms: of("wholeP99Ms"),
    cpu: of("cpu"),
    cpuWithStore: of("cpuWithStore"),
    cpuUsPerPut: of("cpuUsPerPut"),
    rssMib: of("rssMib"),
    bytesPerDelivery: of("bytesPerDelivery"),
    messagesPerSecond: of("messagesPerSecond"),
    refusedPuts: of("refusedPuts"),
    subscriberCpu: of("subscriberCpu"),
    ratio: {
      deliveries: ratio("deliveriesPerSecond", "atoll is more"),
      p50: ratio("wholeP50Ms", "atoll is less"),
      p99: ratio("wholeP99Ms", "atoll is less"),
      cpu: ratio("cpuUsPerPut", "atoll is less"),
      bytes: ratio("bytesPerDelivery", "atoll is less"),
    },
  };
}

/** A round; once more when it fails, as etcd's proxy ends streams now and then on a busy machine. */
async function attempt(round: () => Promise<Round>, say: (text: string) => void): Promise<Round> {
  try {
    return await round();
  } catch (error) {
    say(`once more, because: ${errorText(error)}`);
    return round();
  }
}

async function measure(
  options: SubscribersOptions,
  servers: readonly Server[],
  say: (text: string) => void,
): Promise<SubscribersRow[]> {
  const bench = new Bench(options);
  for (const store of new Set(servers.map((server) => server.store))) await bench.prepare(store);
  const rows: SubscribersRow[] = [];
  for (const rate of options.rates) {
    const rounds = new Map<ServerName, Round[]>(servers.map(({ name }) => [name, []]));
    for (let round = 0; round < options.rounds; round++) {
      for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
        say(`${rate} puts a second, round ${round + 1} of ${options.rounds}: ${server.name}`);
        rounds.get(server.name)?.push(await attempt(() => bench.round(server, rate), say));
      }
    }
    const atoll = rounds.get("atoll gateway") ?? [];
    for (const [name, done] of rounds) rows.push(summarise(rate, name, done, atoll));
  }
  return rows;
}

/**
 * One load of puts, and many subscribers to all that they change: at a gateway of Atoll
 * before one member, at one member of etcd, and at etcd's grpc-proxy before it, in turn.
 */
export async function runSubscribersSuite(
  options: SubscribersOptions,
  say: (text: string) => void,
): Promise<SubscribersRow[]> {
  const etcd = await startEtcd({ members: 1 });
  const stops: (() => Promise<void>)[] = [() => etcd.stop()];
  try {
    const world = await startWorld({ regions: ["a"] });
    stops.unshift(() => world.stop());
    const proxy = await startEtcdProxy(etcd.endpoints);
    stops.unshift(() => proxy.child.kill());
    const region = world.region("a");
    const gateway = world.gateway("a");
    const [member, peer] = [region.endpoints[0] as string, etcd.endpoints[0] as string];
    const servers: readonly Server[] = [
      {
        name: "atoll gateway",
        dialect: "atoll",
        target: gateway.address.grpc,
        store: member,
        pid: gateway.child.pid,
        storePid: region.child(0).pid,
      },
      {
        name: "etcd",
        dialect: "etcd",
        target: peer,
        store: peer,
        pid: etcd.child(0).pid,
        storePid: undefined,
      },
      {
        name: "etcd grpc-proxy",
        dialect: "etcd",
        target: proxy.address,
        store: peer,
        pid: proxy.child.pid,
        storePid: etcd.child(0).pid,
      },
    ];
    return await measure(options, servers, say);
  } finally {
    for (const stop of stops) await stop();
  }
}
