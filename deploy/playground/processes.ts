import { fileURLToPath } from "node:url";
import { MEMBER_NODE_OPTIONS } from "../../shared/lifecycle.js";
import type { Topology, TopologyRegion } from "../../shared/topology.js";
import type { ChildSpec } from "./child.js";
import type { DataDir } from "./data-dir.js";

/** A process of the playground and where its readiness is asked. */
export interface ProcessSpec extends ChildSpec {
  readonly http: string;
}

const MEMBER = fileURLToPath(new URL("../../regional/main.js", import.meta.url));
const GATEWAY = fileURLToPath(new URL("../../global/main.js", import.meta.url));

function memberSpecs(region: TopologyRegion, dir: DataDir): ProcessSpec[] {
  const cluster = region.members.map((member) => `${member.name}=${member.peer}`).join(",");
  return region.members.map((member) => ({
    name: member.name,
    entry: MEMBER,
    nodeOptions: MEMBER_NODE_OPTIONS,
    http: member.http,
    logFile: dir.logFile(member.name),
    args: [
      ...["--name", member.name, "--region", region.name],
      ...["--data-dir", dir.processDir(region.name, member.name)],
      ...["--client", member.client, "--peer", member.peer, "--http", member.http],
      ...["--initial-cluster", cluster],
    ],
  }));
}

function gatewaySpecs(
  region: TopologyRegion,
  dir: DataDir,
  redis: string | undefined,
): ProcessSpec[] {
  return region.gateways.map((gateway) => ({
    name: gateway.name,
    entry: GATEWAY,
    nodeOptions: [],
    http: gateway.http,
    logFile: dir.logFile(gateway.name),
    args: [
      ...["--name", gateway.name, "--region", region.name],
      ...["--data-dir", dir.processDir(region.name, gateway.name)],
      ...["--grpc", gateway.grpc, "--http", gateway.http],
      ...["--topology", dir.topologyFile],
      ...(redis === undefined ? [] : ["--redis", redis]),
      ...["--trust", dir.keys.trust, "--signing-key", dir.keys.signingKey(region.name)],
    ],
  }));
}

/** Every process of a topology: members first, since gateways read them. */
export function processSpecs(
  topology: Topology,
  dir: DataDir,
  redis: string | undefined,
): ProcessSpec[] {
  return [
    ...topology.regions.flatMap((region) => memberSpecs(region, dir)),
    ...topology.regions.flatMap((region) => gatewaySpecs(region, dir, redis)),
  ];
}
