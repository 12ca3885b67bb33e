import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeyFiles, keyFiles, makeKeyFiles } from "../../global/trust/key-files.js";
import { freePorts } from "../../shared/ports.js";
import type { Topology, TopologyGateway, TopologyRegion } from "../../shared/topology.js";
import { type Region, type RegionOptions, startRegion } from "./atoll.js";
import { Child, httpOk } from "./child.js";
import { type EtcdCluster, startEtcd } from "./etcd.js";
import { flags } from "./exec.js";
import { REPOSITORY_ROOT } from "./paths.js";

const READY_MS = 60_000;
const PROGRAM = join(REPOSITORY_ROOT, "dist", "global", "main.js");

/** Settings that tell a gateway where everybody is. */
type Places = Readonly<Record<string, string>>;

/** One gateway process of a world. */
export class Gateway {
  readonly region: string;
  readonly address: TopologyGateway;
  readonly dataDir: string;
  readonly #places: Places;
  readonly #args: readonly string[];
  #child: Child | undefined;

  constructor(
    region: string,
    address: TopologyGateway,
    dataDir: string,
    places: Places,
    args: readonly string[],
  ) {
    this.region = region;
    this.address = address;
    this.dataDir = dataDir;
    this.#places = places;
    this.#args = args;
  }

  #spawn(address: TopologyGateway = this.address): Child {
    const settings = flags({
      name: address.name,
      region: this.region,
      "data-dir": this.dataDir,
      grpc: address.grpc,
      http: address.http,
      ...this.#places,
    });
    const args = ["--enable-source-maps", PROGRAM, ...settings, ...this.#args];
    return new Child(address.name, process.execPath, args, process.env);
  }

  /** Starts another gateway on the same data directory. */
  async twin(): Promise<Child> {
    const [grpc, http] = await freePorts(2);
    const name = `${this.address.name}-twin`;
    return this.#spawn({ name, grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}` });
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error(`${this.address.name} was never started`);
    return this.#child;
  }

  /**
   * Starts it, the first time or after it ended; its data folder is as it was left. Resolves
   * when it says that it is ready to serve.
   */
  async start(): Promise<void> {
    if (this.#child?.hasExited === false) throw new Error(`${this.address.name} still runs`);
    const child = this.#spawn();
    this.#child = child;
    await child.until(() => httpOk(`http://${this.address.http}/readyz`), READY_MS);
  }

  /** Starts it again after it ended. */
  restart(): Promise<void> {
    return this.start();
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}

export type Engine = "atoll" | "etcd";

export interface WorldOptions {
  readonly regions: readonly string[];
  readonly members?: 1 | 3;
  readonly gateways?: 1 | 2 | 3;
  /** What holds the regions' state, or each region's; Atoll's own members unless said otherwise. */
  readonly engine?: Engine | ((region: string) => Engine);
  /** Stores of regions that run already, and go on after the world's end. */
  readonly stores?: ReadonlyMap<string, Region | EtcdCluster>;
  /** What the topology says of the way to a region. */
  readonly etcd?: ReadonlyMap<string, TopologyRegion["etcd"]>;
  /** Where the etcd cluster of a region keeps its data; temporary folders unless given. */
  readonly etcdDataDir?: (region: string) => string;
  /** How a region's gateways are told where everybody is; by a topology file unless given. */
  readonly places?: (region: TopologyRegion, topology: Topology) => Places;
  /** Further command-line options of every gateway. */
  readonly gatewayArgs?: readonly string[];
  readonly regionOptions?: Pick<RegionOptions, "args" | "env">;
  /**
   * Gives the address at which `from`'s gateways find a gateway of `to`, for a proxy
   * on the way; the gateway's own address unless given. Undefined: they aren't told of it.
   */
  readonly via?: (from: string, to: string, address: string) => Promise<string | undefined>;
  /** Regions whose gateways are left to be started later. */
  readonly late?: readonly string[];
}

/** Regions and their gateways on loopback, each member and gateway a process. */
export class World {
  readonly topology: Topology;
  readonly regions: ReadonlyMap<string, Region | EtcdCluster>;
  readonly gateways: readonly Gateway[];
  readonly #folder: string;
  readonly #stores: WorldOptions["stores"];

  constructor(
    topology: Topology,
    regions: ReadonlyMap<string, Region | EtcdCluster>,
    gateways: readonly Gateway[],
    folder: string,
    stores?: WorldOptions["stores"],
  ) {
    this.topology = topology;
    this.regions = regions;
    this.gateways = gateways;
    this.#folder = folder;
    this.#stores = stores;
  }

  /** The members of a region. */
  region(name: string): Region | EtcdCluster {
    const region = this.regions.get(name);
    if (region === undefined) throw new Error(`there is no region ${name}`);
    return region;
  }

  /** The n-th gateway of a region. */
  gateway(region: string, index = 0): Gateway {
    const gateway = this.gateways.filter((candidate) => candidate.region === region)[index];
    if (gateway === undefined) throw new Error(`there is no gateway ${index} in ${region}`);
    return gateway;
  }

  /** The topology file that a command line may be given. */
  get topologyFile(): string {
    return join(this.#folder, "topology.json");
  }

  /** The keys that its regions and operators sign with. */
  get keys(): KeyFiles {
    return keyFiles(this.#folder);
  }

  /** Stops everything and removes its data. */
  async stop(): Promise<void> {
    const own = [...this.regions].filter(([name]) => this.#stores?.has(name) !== true);
    const endings = [
      ...this.gateways.map((gateway) => gateway.stop()),
      ...own.map(([, region]) => region.stop()),
    ];
    const results = await Promise.allSettled(endings);
    await rm(this.#folder, { recursive: true, force: true });
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

async function planGateways(name: string, count: number): Promise<TopologyGateway[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, i) => ({
    name: `${name}-g${i}`,
    grpc: `127.0.0.1:${ports[2 * i]}`,
    http: `127.0.0.1:${ports[2 * i + 1]}`,
  }));
}

/**
 * The topology as one region's gateways see it: others' addresses may lead through a proxy,
 * and regions of which they aren't told are not in it.
 */
async function seenFrom(
  region: string,
  topology: Topology,
  via: WorldOptions["via"],
): Promise<Topology> {
  if (via === undefined) return topology;
  const regions = topology.regions.map(async (other) => {
    if (other.name === region) return other;
    const gateways: TopologyGateway[] = [];
    for (const gateway of other.gateways) {
      const grpc = await via(region, other.name, gateway.grpc);
      if (grpc !== undefined) gateways.push({ ...gateway, grpc });
    }
    return { ...other, gateways };
  });
  const known = (await Promise.all(regions)).filter(({ gateways }) => gateways.length > 0);
  return { regions: known };
}

async function startStore(
  name: string,
  members: 1 | 3,
  { engine, etcdDataDir, regionOptions }: WorldOptions,
): Promise<Region | EtcdCluster> {
  const kind = typeof engine === "function" ? engine(name) : engine;
  if (kind !== "etcd") return startRegion({ members, region: name, ...regionOptions });
  return startEtcd({
    members,
    ...(etcdDataDir === undefined ? {} : { dataDir: etcdDataDir(name) }),
  });
}

/** Starts regions and their gateways; resolves when all are ready. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "atoll-world-"));
  const members = options.members ?? 1;
  const started = await Promise.all(
    options.regions.map(async (name) => {
      const region = options.stores?.get(name) ?? (await startStore(name, members, options));
      return { name, region, gateways: await planGateways(name, options.gateways ?? 1) };
    }),
  );
  const topology: Topology = {
    regions: started.map(({ name, region, gateways }) => ({
      name,
      gateways,
      etcd: options.etcd?.get(name),
      members: region.members.map((member) => ({
        name: member.name,
        client: member.client,
        peer: member.peer,
        http: "http" in member ? member.http : member.client,
      })),
    })),
  };
  await writeFile(join(folder, "topology.json"), JSON.stringify(topology));
  const { trust, signingKey } = makeKeyFiles(folder, options.regions);
  const gateways: Gateway[] = [];
  for (const region of topology.regions) {
    const file = join(folder, `${region.name}.json`);
    await writeFile(file, JSON.stringify(await seenFrom(region.name, topology, options.via)));
    for (const address of region.gateways) {
      const keys = flags({ trust, "signing-key": signingKey(region.name) });
      const args = [...keys, ...(options.gatewayArgs ?? [])];
      const places = options.places?.(region, topology) ?? { topology: file };
      gateways.push(new Gateway(region.name, address, join(folder, address.name), places, args));
    }
  }
  const regions = new Map(started.map(({ name, region }) => [name, region]));
  const world = new World(topology, regions, gateways, folder, options.stores);
  try {
    const begun = gateways.filter(({ region }) => options.late?.includes(region) !== true);
    await Promise.all(begun.map((gateway) => gateway.start()));
  } catch (error) {
    await world.stop().catch(() => {});
    throw error;
  }
  return world;
}
