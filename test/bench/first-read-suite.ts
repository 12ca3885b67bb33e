import { loadavg } from "node:os";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { metric } from "../faults/metric.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { type EtcdCluster, startEtcd } from "../peers/etcd.js";
import { type Engine, type Gateway, startWorld, type World } from "../peers/gateway.js";
import { FLEET_DEFINITION, Fleet } from "./fleet.js";
import { cpuSeconds, residentMib } from "./process-usage.js";
import { quantile } from "./statistics.js";

/** A gateway's first read of a region whose keys are there already. */
export interface FirstReadRow {
  readonly engine: Engine;
  readonly keys: number;
  /** From the first keys that were read to the whole digest. */
  readonly seconds: number;
  readonly keysPerSecond: number;
  readonly gatewayCpuSeconds: number;
  readonly memberCpuSeconds: number;
  /** Memory of a gateway of the empty region; of this one at the most, and a while afterwards. */
  readonly idleMib: number;
  readonly peakMib: number;
  readonly afterMib: number;
  /** How long health checks waited: of the gateway while it read and when it idles, and of the member. */
  readonly readingP99Ms: number;
  readonly readingMaxMs: number;
  readonly idleP99Ms: number;
  readonly memberMaxMs: number;
  /** The machine's load average when it was over. */
  readonly load: number;
}

const APPS = 1_000;
const SAMPLE_MS = 20;
const SETTLE_MS = 5_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks a process's health check again and again, and keeps how long each answer took. */
class Prober {
  readonly #delays: number[] = [];
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(url: string) {
    this.#running = this.#run(url);
  }

  async #run(url: string): Promise<void> {
    while (!this.#isOver) {
      const beganMs = performance.now();
      await (await fetch(url)).text();
      this.#delays.push(performance.now() - beganMs);
      await pause(SAMPLE_MS);
    }
  }

  /** Milliseconds, ascending. */
  async stop(): Promise<number[]> {
    this.#isOver = true;
    await this.#running;
    return this.#delays.sort((a, b) => a - b);
  }
}

/** The most memory that a process holds until something is over, in MiB. */
async function peakUntil(pid: number, over: Promise<void>): Promise<number> {
  const state = { isOver: false };
  const watched = over.finally(() => {
    state.isOver = true;
  });
  let peakMib = 0;
  while (!state.isOver) {
    peakMib = Math.max(peakMib, await residentMib(pid));
    await pause(SAMPLE_MS);
  }
  await watched;
  return peakMib;
}

/** Memory and waiting times of a gateway that has nothing to do. */
async function idle(gateway: Gateway): Promise<Pick<FirstReadRow, "idleMib" | "idleP99Ms">> {
  const prober = new Prober(`http://${gateway.address.http}/livez`);
  await pause(SETTLE_MS);
  const idleMib = await residentMib(gateway.child.pid);
  return { idleMib, idleP99Ms: quantile(await prober.stop(), 0.99) };
}

async function read(gateway: Gateway, store: Region | EtcdCluster) {
  const [member] = store.members;
  const { pid } = store.child(0);
  const isOurs = member !== undefined && "http" in member;
  const before = await cpuSeconds(pid);
  const memberProber = new Prober(
    isOurs ? `http://${member.http}/livez` : `http://${member?.client}/health`,
  );
  const ready = gateway.restart();
  const { http } = gateway.address;
  while (!((await metric(http, "atoll_global_source_first_read_keys")) > 0)) await pause(5);
  const beganMs = performance.now();
  const prober = new Prober(`http://${http}/livez`);
  const peakMib = await peakUntil(gateway.child.pid, ready);
  const seconds = (performance.now() - beganMs) / 1_000;
  const delays = await prober.stop();
  return {
    seconds,
    gatewayCpuSeconds: await cpuSeconds(gateway.child.pid),
    memberCpuSeconds: (await cpuSeconds(pid)) - before,
    peakMib,
    readingP99Ms: quantile(delays, 0.99),
    readingMaxMs: delays.at(-1) ?? 0,
    memberMaxMs: (await memberProber.stop()).at(-1) ?? 0,
  };
}

async function define(store: Region | EtcdCluster): Promise<void> {
  const client = new EtcdClient({ endpoints: store.endpoints });
  try {
    await put(client, "/atoll/summaries/fleet", FLEET_DEFINITION);
  } finally {
    client.close();
  }
}

async function measure(
  engine: Engine,
  keys: number,
  say: (text: string) => void,
): Promise<FirstReadRow> {
  const store =
    engine === "etcd"
      ? await startEtcd({ members: 1 })
      : await startRegion({ members: 1, region: "a" });
  const fleet = new Fleet(store.endpoints, { machines: keys, apps: APPS, changesPerSecond: 1 });
  let world: World | undefined;
  try {
    world = await startWorld({ regions: ["a"], stores: new Map([["a", store]]) });
    const gateway = world.gateway("a");
    const idling = await idle(gateway);
    await gateway.child.kill();
    await fleet.load((done) => {
      if (done % 10_000 === 0 && done < keys) {
        say(`first-read, ${engine}: ${done} of ${keys} keys are written`);
      }
    });
    await define(store);
    say(`first-read, ${engine}: the gateway reads`);
    const reading = await read(gateway, store);
    const [load = 0] = loadavg();
    await pause(SETTLE_MS);
    const afterMib = await residentMib(gateway.child.pid);
    const keysPerSecond = keys / reading.seconds;
    return { engine, keys, keysPerSecond, ...idling, ...reading, afterMib, load };
  } finally {
    fleet.close();
    await world?.stop();
    await store.stop();
  }
}

/** Measures a gateway's first read of one member of etcd, and of one of ours. */
export async function runFirstReadSuite(
  keys: number,
  say: (text: string) => void,
): Promise<FirstReadRow[]> {
  const rows: FirstReadRow[] = [];
  for (const engine of ["etcd", "atoll"] as const) rows.push(await measure(engine, keys, say));
  return rows;
}
