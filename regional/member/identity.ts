import { createHash } from "node:crypto";
import { formatHostPort, type HostPort, parseHostPort } from "../../shared/address.js";
import { AtollError } from "../../shared/errors.js";
import { isName } from "../../shared/topology.js";
import type { ConfState } from "../raft/index.js";

/** One member of the cluster as the settings name it. */
export interface InitialMember {
  readonly id: number;
  readonly name: string;
  readonly peer: HostPort;
}

/** Who this member is and with whom it forms a group. */
export interface ClusterIdentity {
  readonly clusterId: number;
  readonly self: InitialMember;
  /** All members, this one included, in order of id. */
  readonly members: readonly InitialMember[];
}

/** The first 52 bits of a hash: an id that a double holds exactly. Never 0. */
function hashId(...parts: readonly string[]): number {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part};`);
  const digest = hash.digest();
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] as number) >>> 4) || 1;
}

/** A member's id, from its region and name: it may move to another address. */
export function memberIdOf(region: string, name: string): number {
  return hashId("member", region, name);
}

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}

function parseMember(text: string, region: string): InitialMember {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(equals, 0));
  if (equals < 0 || !isName(name)) {
    throw invalid(`--initial-cluster: "${text}" is not name=host:port`);
  }
  const peer = parseHostPort(text.slice(equals + 1), `--initial-cluster: ${name}`);
  return { id: memberIdOf(region, name), name, peer };
}

/**
 * The group from `--initial-cluster` ("a=host:port,b=host:port,…") and this member's
 * place in it. Throws INVALID_ARGUMENT naming what is wrong.
 */
export function parseCluster(
  region: string,
  name: string,
  initialCluster: string,
): ClusterIdentity {
  const members = initialCluster
    .split(",")
    .map((text) => parseMember(text.trim(), region))
    .sort((a, b) => a.id - b.id);
  const names = new Set<string>();
  const peers = new Set<string>();
  for (const member of members) {
    if (names.has(member.name)) {
      throw invalid(`--initial-cluster names "${member.name}" twice`);
    }
    const peer = formatHostPort(member.peer);
    if (peers.has(peer)) throw invalid(`--initial-cluster has two members at ${peer}`);
    names.add(member.name);
    peers.add(peer);
  }
  const self = members.find((member) => member.name === name);
  if (self === undefined) {
    const known = [...names].join(", ");
    throw invalid(`--initial-cluster doesn't name this member, "${name}", only ${known}`);
  }
  const described = members.map((member) => `${member.name}=${formatHostPort(member.peer)}`).sort();
  return { clusterId: hashId("cluster", region, ...described), self, members };
}

/** The membership that a new group begins with. */
export function initialConfState(identity: ClusterIdentity): ConfState {
  return {
    voters: identity.members.map((member) => member.id),
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
}
