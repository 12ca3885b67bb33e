import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../shared/ports.js";
import { Child, httpOk } from "./child.js";
import { flags } from "./exec.js";
import { Group, type Joining, type Place } from "./group.js";
import { type PeerTool, peerTool } from "./tools.js";

export interface EtcdOptions {
  readonly members?: 1 | 3 | 5;
  /** Kept when given; else a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  /** Further command-line options of every member. */
  readonly args?: readonly string[];
  /** Of the clients' URLs; "http" unless given. */
  readonly scheme?: "http" | "https";
  /** Whether the member at an endpoint is healthy; asked by HTTP unless given. */
  readonly isHealthy?: (endpoint: string) => Promise<boolean>;
}

/** A real etcd cluster. */
export type EtcdCluster = Group<Place>;

async function places(count: number, first: number): Promise<Place[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, i) => ({
    name: `etcd-${first + i}`,
    client: `127.0.0.1:${ports[2 * i]}`,
    peer: `127.0.0.1:${ports[2 * i + 1]}`,
  }));
}

function spawn(
  tool: PeerTool,
  dataDir: string,
  member: Place & Joining,
  { args: more = [], scheme = "http" }: EtcdOptions,
): Child {
  const args = flags({
    name: member.name,
    "data-dir": join(dataDir, member.name),
    "listen-client-urls": `${scheme}://${member.client}`,
    "advertise-client-urls": `${scheme}://${member.client}`,
    "listen-peer-urls": `http://${member.peer}`,
    "initial-advertise-peer-urls": `http://${member.peer}`,
    "initial-cluster": member.initialCluster,
    "initial-cluster-state": member.clusterState,
    "initial-cluster-token": "atoll-tests",
    logger: "zap",
    "log-level": "warn",
  }).concat(more);
  return new Child(member.name, tool.path, args, tool.env);
}

function answersHealth(endpoint: string): Promise<boolean> {
  return httpOk(`http://${endpoint}/health`, (body) => body.includes('"true"'));
}

/** Starts a real etcd cluster on free loopback ports; resolves when it is healthy. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdCluster> {
  const tool = await peerTool("etcd");
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "atoll-etcd-")));
  const cluster = new Group<Place>({
    places,
    address: ({ peer }) => `http://${peer}`,
    spawn: (member) => spawn(tool, dataDir, member, options),
    isReady: ({ client }) => (options.isHealthy ?? answersHealth)(client),
    end: (child) => child.kill(),
    temporary: options.dataDir === undefined ? dataDir : undefined,
  });
  await cluster.start(options.members ?? 3);
  return cluster;
}
