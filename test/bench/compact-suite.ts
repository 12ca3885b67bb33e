import { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { metric } from "../faults/metric.js";
import { Child } from "../peers/child.js";
import { type EtcdCluster, startEtcd } from "../peers/etcd.js";
import { startWorld, type World } from "../peers/gateway.js";
import { peerTool } from "../peers/tools.js";
import { CountingProxy } from "../wan/counting-proxy.js";
import { FLEET_DEFINITION, Fleet, type LastWrite, untilHolds } from "./fleet.js";

/** WAN bytes of one workload, both directions, beside etcdctl make-mirror's for the same changes. */
export interface CompactRow {
  readonly intervalMs: number;
  /** Mean length of a record's value. */
  readonly recordBytes: number;
  readonly changes: number;
  readonly seconds: number;
  /** Frames from the changing region's gateway in a second; those without news included. */
  readonly framesPerSecond: number;
  readonly atollBytes: number;
  readonly mirrorBytes: number;
  /** Times fewer. */
  readonly ratio: number;
}

const MACHINES = 100_000;
const APPS = 1_000;
const CHANGED_PER_SECOND = 0.01;
const INTERVALS_MS = [50, 250, 1_000];
/** Changes before those that are counted, so that streams are in their stride. */
const WARM_UP_SECONDS = 3;
const WAIT_MS = 120_000;
const POLL_MS = 20;

/** Two stores whose changes are mirrored into a third, through a proxy, by etcdctl. */
class Stores {
  readonly a: EtcdCluster;
  readonly b: EtcdCluster;
  readonly copy: EtcdCluster;
  readonly wan: CountingProxy;
  readonly #mirror: Child;

  private constructor(clusters: EtcdCluster[], wan: CountingProxy, mirror: Child) {
    [this.a, this.b, this.copy] = clusters as [EtcdCluster, EtcdCluster, EtcdCluster];
    this.wan = wan;
    this.#mirror = mirror;
  }

  static async start(): Promise<Stores> {
    const clusters = await Promise.all([1, 2, 3].map(() => startEtcd({ members: 1 })));
    const [a, , copy] = clusters as [EtcdCluster, EtcdCluster, EtcdCluster];
    const wan = await CountingProxy.start(copy.endpoints[0] as string);
    const tool = await peerTool("etcdctl");
    const args = ["make-mirror", `--endpoints=${a.endpoints.join(",")}`, wan.address];
    const mirror = new Child("make-mirror", tool.path, [...args, "--prefix=/machines/"], {
      ...tool.env,
      ETCDCTL_API: "3",
    });
    return new Stores(clusters, wan, mirror);
  }

  /** What the mirror says, for errors. */
  get output(): string {
    return this.#mirror.output();
  }

  async stop(): Promise<void> {
    await this.#mirror.kill();
    await this.wan.stop();
    await Promise.all([this.a.stop(), this.b.stop(), this.copy.stop()]);
  }
}

/** A gateway in each region, and a counting proxy on the way that each dials the other. */
class Pair {
  readonly #world: World;
  readonly #proxies: readonly CountingProxy[];
  readonly #client: RpcClient;

  private constructor(world: World, proxies: readonly CountingProxy[]) {
    this.#world = world;
    this.#proxies = proxies;
    this.#client = new RpcClient(world.gateway("b").address.grpc);
  }

  static async start({ a, b }: Stores, intervalMs: number): Promise<Pair> {
    const proxies: CountingProxy[] = [];
    const via = async (_from: string, _to: string, address: string): Promise<string> => {
      const proxy = await CountingProxy.start(address);
      proxies.push(proxy);
      return proxy.address;
    };
    const stores = new Map(Object.entries({ a, b }));
    const gatewayArgs = ["--push-interval", String(intervalMs)];
    return new Pair(await startWorld({ regions: ["a", "b"], stores, via, gatewayArgs }), proxies);
  }

  /** Bytes between the two gateways so far. */
  get bytes(): number {
    return this.#proxies.reduce((sum, proxy) => sum + proxy.bytes, 0);
  }

  /** Frames that region a's gateway has sent so far. */
  frames(): Promise<number> {
    return metric(this.#world.gateway("a").address.http, "atoll_global_mesh_sent_frames_total");
  }

  /** Resolves when region b's gateway serves a's groups at a revision or past it. */
  async until(revision: number): Promise<void> {
    const giveUpAt = performance.now() + WAIT_MS;
    for (;;) {
      const request = { summary: "fleet", regions: ["a"], limit: 1 };
      const answer = await this.#client
        .unary(GlobalService.method.get, request)
        .catch(() => undefined);
      const held = answer?.regions[0]?.version?.revision;
      if (answer?.groups.length === 1 && held !== undefined && held >= BigInt(revision)) return;
      if (performance.now() > giveUpAt) throw new Error(`revision ${revision} didn't come to b`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#world.stop();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }
}

async function settled(stores: Stores, pair: Pair, last: LastWrite): Promise<void> {
  const mirrored = untilHolds(stores.copy.endpoints, last, WAIT_MS).catch((error) => {
    throw new Error(`make-mirror fell behind: ${stores.output}`, { cause: error });
  });
  await Promise.all([mirrored, pair.until(last.revision)]);
}

async function measure(
  stores: Stores,
  pair: Pair,
  fleet: Fleet,
  intervalMs: number,
  forSeconds: number,
): Promise<CompactRow> {
  await settled(stores, pair, await fleet.change(WARM_UP_SECONDS));
  const before = { atoll: pair.bytes, mirror: stores.wan.bytes, frames: await pair.frames() };
  const beganMs = performance.now();
  const last = await fleet.change(forSeconds);
  await settled(stores, pair, last);
  const atollBytes = pair.bytes - before.atoll;
  const mirrorBytes = stores.wan.bytes - before.mirror;
  const seconds = (performance.now() - beganMs) / 1_000;
  return {
    intervalMs,
    recordBytes: fleet.recordBytes,
    changes: last.changes,
    seconds,
    framesPerSecond: ((await pair.frames()) - before.frames) / seconds,
    atollBytes,
    mirrorBytes,
    ratio: mirrorBytes / atollBytes,
  };
}

/** Measures one workload at several intervals between pushes, the mirror always beside. */
export async function runCompactSuite(
  seconds: number,
  say: (text: string) => void,
): Promise<CompactRow[]> {
  const stores = await Stores.start();
  const changesPerSecond = MACHINES * CHANGED_PER_SECOND;
  const fleet = new Fleet(stores.a.endpoints, { machines: MACHINES, apps: APPS, changesPerSecond });
  try {
    await fleet.put("/atoll/summaries/fleet", FLEET_DEFINITION);
    await fleet.load((done) => say(`compact: ${done} of ${MACHINES} records`));
    const rows: CompactRow[] = [];
    for (const intervalMs of INTERVALS_MS) {
      say(`compact: every ${intervalMs} ms`);
      const pair = await Pair.start(stores, intervalMs);
      try {
        rows.push(await measure(stores, pair, fleet, intervalMs, seconds));
      } finally {
        await pair.stop();
      }
    }
    return rows;
  } finally {
    fleet.close();
    await stores.stop();
  }
}
