import { EtcdClient } from "../../../shared/etcd/client.js";
import { put } from "../../../shared/etcd/kv.js";
import { startWorld, type World } from "../../peers/gateway.js";
import { Subscriber } from "../../peers/subscriber.js";
import { CLOUD_REGIONS, distanceMs } from "../../wan/cloud-regions.js";
import { Network } from "../../wan/network.js";

const DEFINITION = `name: convergence
prefix: /convergence/
groupBy: [value.region]
measures:
  newest: max(value.n)
`;
const WAIT_MS = 60_000;

/** Milliseconds from a put's answer until a region's subscriber showed it, by region. */
export type Arrivals = ReadonlyMap<string, number>;

/** Spread over the matrix, so that few regions are far apart as well. Throws on more than it has. */
function someOf(count: number): string[] {
  if (count > CLOUD_REGIONS.length) {
    const message = `distances of ${CLOUD_REGIONS.length} regions are known, not of ${count}`;
    throw new RangeError(`--regions: ${message}`);
  }
  const step = CLOUD_REGIONS.length / count;
  return Array.from({ length: count }, (_, i) => CLOUD_REGIONS[Math.floor(i * step)] as string);
}

/**
 * Regions of one member and one gateway, each a process, as far from each other as cloud
 * regions are; and a subscriber at each gateway. Proxies and subscribers are in this process.
 */
export class Islands {
  readonly names: readonly string[];
  readonly network: Network;
  readonly #world: World;
  readonly #clients = new Map<string, EtcdClient>();
  readonly #subscribers = new Map<string, Subscriber>();
  /** The last number that was put in each region. */
  readonly #last = new Map<string, number>();

  private constructor(names: readonly string[], network: Network, world: World) {
    this.names = names;
    this.network = network;
    this.#world = world;
    for (const name of names) {
      this.#clients.set(name, new EtcdClient({ endpoints: world.region(name).endpoints }));
      this.#subscribers.set(name, new Subscriber(world.gateway(name).address.grpc, "convergence"));
    }
  }

  /** Starts them; resolves when each subscriber has heard of each region. */
  static async start(count: number): Promise<Islands> {
    const names = someOf(count);
    const network = new Network(distanceMs);
    const world = await startWorld({ regions: names, via: network.via });
    const islands = new Islands(names, network, world);
    try {
      await Promise.all(names.map((name) => islands.#define(name)));
      await Promise.all(names.map((name) => islands.put(name)));
    } catch (error) {
      await islands.stop().catch(() => {});
      throw error;
    }
    return islands;
  }

  #client(region: string): EtcdClient {
    const client = this.#clients.get(region);
    if (client === undefined) throw new Error(`there is no region ${region}`);
    return client;
  }

  async #define(region: string): Promise<void> {
    await put(this.#client(region), "/atoll/summaries/convergence", DEFINITION);
  }

  /** Process ids, by what they are. */
  get processes(): Map<string, number[]> {
    return new Map([
      ["members", this.names.map((name) => this.#world.region(name).child(0).pid)],
      ["gateways", this.#world.gateways.map(({ child }) => child.pid)],
      ["proxies and subscribers", [process.pid]],
    ]);
  }

  /** Milliseconds one way from a region to the one that is farthest from it. */
  farthestMs(region: string): number {
    return Math.max(
      ...this.names.map((other) => (other === region ? 0 : distanceMs(region, other))),
    );
  }

  /** The largest one-way delay of all. */
  get largestMs(): number {
    return Math.max(...this.names.map((name) => this.farthestMs(name)));
  }

  /** Puts a new number in a region; resolves when all subscribers show it. */
  async put(region: string): Promise<Arrivals> {
    const n = (this.#last.get(region) ?? 0) + 1;
    this.#last.set(region, n);
    const shownMs = new Map<string, number>();
    const shown = [...this.#subscribers].map(([name, subscriber]) =>
      subscriber.until(({ groups }) => {
        if ((groups.get(region)?.[0] ?? 0) < n) return false;
        shownMs.set(name, performance.now());
        return true;
      }, WAIT_MS),
    );
    const everywhere = Promise.all(shown);
    // Awaited only after the put, which may fail first.
    everywhere.catch(() => {});
    await put(this.#client(region), `/convergence/${region}`, JSON.stringify({ region, n }));
    const answeredMs = performance.now();
    await everywhere;
    return new Map([...shownMs].map(([name, ms]) => [name, ms - answeredMs]));
  }

  async stop(): Promise<void> {
    for (const subscriber of this.#subscribers.values()) subscriber.close();
    for (const client of this.#clients.values()) client.close();
    await this.#world.stop();
    await this.network.stop();
  }
}
