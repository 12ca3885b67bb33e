import { setTimeout as sleep } from "node:timers/promises";
import { errorText } from "../../shared/errors.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { SUMMARIES_PREFIX } from "../../shared/etcd/keys.js";
import { deleteRange, get, put } from "../../shared/etcd/kv.js";
import { Lease } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { systemRandom } from "../../shared/random.js";
import type { Topology, TopologyRegion } from "../../shared/topology.js";
import type { Progress } from "../terminal/progress.js";
import { FLEET_PREFIX, FleetModel, type FleetWrite } from "./fleet-model.js";

const SUMMARY = "machines";

/** The summary that every region of the fleet has; the one of the README. */
export const FLEET_DEFINITION = `name: ${SUMMARY}
prefix: ${FLEET_PREFIX}
where:  value.status == "healthy"
groupBy: [value.app]
measures:
  machines: count()
  spare:    sum(value.cpu_free)
  hosts:    distinct(value.host)
  latency:  quantiles(value.p99_ms)
`;

/** Pause between two things that happen in one region. */
const STEP_MS = 250;
/** Machines that a region begins with. */
const FIRST_MACHINES = 30;
/** The machines of a fleet that has gone vanish after this long. */
const LEASE_SECONDS = 60;
const RENEW_MS = 15_000;

/** The fleet of one region: all its machines hang on one lease. */
class RegionFleet {
  readonly #client: EtcdClient;
  readonly #model: FleetModel;
  #lease = 0n;
  #renewAtMs = 0;

  constructor(region: TopologyRegion) {
    this.#client = new EtcdClient({ endpoints: region.members.map((member) => member.client) });
    this.#model = new FleetModel(region.name, systemRandom);
  }

  /** Stores the summary's definition, unless one of that name is there, and the first machines. */
  async begin(): Promise<void> {
    const key = `${SUMMARIES_PREFIX}${SUMMARY}`;
    if ((await get(this.#client, key)).kv === undefined)
      await put(this.#client, key, FLEET_DEFINITION);
    const granted = await this.#client.unary(Lease.method.leaseGrant, {
      TTL: BigInt(LEASE_SECONDS),
    });
    this.#lease = granted.ID;
    this.#renewAtMs = performance.now() + RENEW_MS;
    for (let i = 0; i < FIRST_MACHINES; i++) await this.#carryOut(this.#model.next());
  }

  /** One thing happens. */
  async step(): Promise<void> {
    if (performance.now() > this.#renewAtMs) await this.#renew();
    await this.#carryOut(this.#model.next());
  }

  async #carryOut(write: FleetWrite): Promise<void> {
    if (write.kind === "put")
      await put(this.#client, write.key, write.value, { lease: this.#lease });
    else await deleteRange(this.#client, write.key);
  }

  async #renew(): Promise<void> {
    const stream = this.#client
      .currentChannel()
      .bidi(Lease.method.leaseKeepAlive, { timeoutMs: 5_000 });
    stream.send({ ID: this.#lease });
    for await (const answer of stream) {
      if (answer.TTL > 0n) this.#renewAtMs = performance.now() + RENEW_MS;
      break;
    }
  }

  close(): void {
    this.#client.close();
  }
}

/** A synthetic fleet in every region, so that a newcomer sees digests move. */
export class Fleet {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  /** Stores the summary in every region, registers the first machines, and goes on by itself. */
  static async start(topology: Topology, signal: AbortSignal, progress: Progress): Promise<Fleet> {
    const fleet = new Fleet();
    signal.addEventListener("abort", () => fleet.#stop.abort(), { once: true });
    const regions = topology.regions.map((region) => ({
      name: region.name,
      fleet: new RegionFleet(region),
    }));
    await Promise.all(regions.map((region) => region.fleet.begin()));
    for (const { name, fleet: one } of regions) {
      fleet.#running.push(
        fleet.#run(one, (text) => progress.line(`the fleet of ${name}: ${text}`)),
      );
    }
    return fleet;
  }

  async #run(region: RegionFleet, say: (text: string) => void): Promise<void> {
    const { signal } = this.#stop;
    let troubled = false;
    while (!signal.aborted) {
      try {
        await region.step();
        if (troubled) say("goes on");
        troubled = false;
      } catch (error) {
        // A region that loses its leader refuses writes for a moment; said once, not at each step.
        if (!troubled && !signal.aborted) say(`waits: ${errorText(error)}`);
        troubled = true;
      }
      await sleep(STEP_MS, undefined, { signal }).catch(() => {});
    }
    region.close();
  }

  /** Ends the fleet; its machines vanish with their leases. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}
