import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../shared/ports.js";
import { Child, httpOk } from "./child.js";
import { flags } from "./exec.js";
import { peerTool } from "./tools.js";

const READY_MS = 30_000;

export interface EtcdOptions {
  readonly members?: 1 | 3 | 5;
  /** Kept when given; else a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  /** Further command-line options of every member. */
  readonly args?: readonly string[];
}

export interface EtcdMember {
  readonly name: string;
  /** host:port of its client API. */
  readonly client: string;
  readonly peer: string;
  /** What it is told of the others when it starts. */
  readonly initialCluster: string;
  readonly clusterState: "new" | "existing";
}

type EtcdPlaces = Pick<EtcdMember, "name" | "client" | "peer">;

async function newMembers(count: number, first: number): Promise<EtcdPlaces[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, i) => ({
    name: `etcd-${first + i}`,
    client: `127.0.0.1:${ports[2 * i]}`,
    peer: `127.0.0.1:${ports[2 * i + 1]}`,
  }));
}

function clusterText(members: readonly EtcdPlaces[]): string {
  return members.map(({ name, peer }) => `${name}=http://${peer}`).join(",");
}

/** A real etcd cluster on loopback, as a test or benchmark sees it. */
export class EtcdCluster {
  /** Every member that ever was, in the order in which they came. */
  readonly members: EtcdMember[];
  readonly #children: (Child | undefined)[] = [];
  readonly #dataDir: string;
  readonly #options: EtcdOptions;

  constructor(members: EtcdMember[], dataDir: string, options: EtcdOptions) {
    this.members = members;
    this.#dataDir = dataDir;
    this.#options = options;
  }

  /** host:port of each member's client API. */
  get endpoints(): string[] {
    return this.members.map((member) => member.client);
  }

  async #spawn(member: EtcdMember): Promise<Child> {
    const tool = await peerTool("etcd");
    const args = flags({
      name: member.name,
      "data-dir": join(this.#dataDir, member.name),
      "listen-client-urls": `http://${member.client}`,
      "advertise-client-urls": `http://${member.client}`,
      "listen-peer-urls": `http://${member.peer}`,
      "initial-advertise-peer-urls": `http://${member.peer}`,
      "initial-cluster": member.initialCluster,
      "initial-cluster-state": member.clusterState,
      "initial-cluster-token": "atoll-tests",
      logger: "zap",
      "log-level": "warn",
    }).concat(this.#options.args ?? []);
    return new Child(member.name, tool.path, args, tool.env);
  }

  async #ready(index: number): Promise<void> {
    const url = `http://${this.members[index]?.client}/health`;
    const isHealthy = (body: string): boolean => body.includes('"true"');
    await this.child(index).until(() => httpOk(url, isHealthy), READY_MS);
  }

  /** Starts every member and waits until all are healthy. */
  async start(): Promise<void> {
    for (const member of this.members) this.#children.push(await this.#spawn(member));
    try {
      await Promise.all(this.members.map((_, index) => this.#ready(index)));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The process of one member. */
  child(index: number): Child {
    const child = this.#children[index];
    if (child === undefined) throw new Error(`there is no member ${index}`);
    return child;
  }

  member(index: number): EtcdMember {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  /** A member that may join `others`, to be added to the membership and then started; its index. */
  async prepare(others: readonly number[]): Promise<number> {
    const [places] = await newMembers(1, this.members.length);
    if (places === undefined) throw new Error("there is no place for another member");
    const all = [...others.map((index) => this.member(index)), places];
    this.members.push({ ...places, initialCluster: clusterText(all), clusterState: "existing" });
    return this.members.length - 1;
  }

  /** Starts a member, the first time or again, without waiting for anything. */
  async launch(index: number): Promise<Child> {
    const before = this.#children[index];
    const member = this.member(index);
    if (before !== undefined && !before.hasExited) throw new Error(`${member.name} still runs`);
    const child = await this.#spawn(member);
    this.#children[index] = child;
    return child;
  }

  /** Starts a member again that was killed or stopped, on its own data. */
  async restart(index: number): Promise<void> {
    await this.launch(index);
    await this.#ready(index);
  }

  /** Ends every member and removes the data where the folder was temporary. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map(async (child) => child?.kill()));
    if (this.#options.dataDir === undefined) {
      await rm(this.#dataDir, { recursive: true, force: true });
    }
  }
}

/** Starts a real etcd cluster on free loopback ports; resolves when it is healthy. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdCluster> {
  const count = options.members ?? 3;
  const places = await newMembers(count, 0);
  const initialCluster = clusterText(places);
  const members = places.map((place) => ({
    ...place,
    initialCluster,
    clusterState: "new" as const,
  }));
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "atoll-etcd-")));
  const cluster = new EtcdCluster(members, dataDir, options);
  await cluster.start();
  return cluster;
}
