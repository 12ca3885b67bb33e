import { createHash } from "node:crypto";
import { formatHostPort, type HostPort, parseHostPort } from "../../shared/address.js";
import { AtollError } from "../../shared/errors.js";
import { isName } from "../../shared/topology.js";
import { peerUrl } from "../peer/peer-url.js";
import { type ConfState, EMPTY_CONF_STATE } from "../raft/types.js";
import type { MemberAttributes } from "../store/state.js";

/** A member as `--initial-cluster` names it. */
export interface NamedPeer {
  readonly name: string;
  readonly peer: HostPort;
}

/** One of the members with which a cluster begins. */
export interface OriginMember {
  readonly id: number;
  readonly name: string;
  readonly peerUrl: string;
}

/** Who this member is, and of which cluster. */
export interface ClusterIdentity {
  readonly region: string;
  readonly clusterId: number;
  readonly self: { readonly id: number; readonly name: string };
  /**
   * The members with which the cluster's log begins, in order of id: the same on every member
   * for ever, whoever came and left since.
   */
  readonly origin: readonly OriginMember[];
}

/** The first 52 bits of a hash: an id that a double holds exactly. Never 0. */
function hashId(...parts: readonly string[]): number {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part};`);
  const digest = hash.digest();
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] as number) >>> 4) || 1;
}

/** The id of one of a cluster's first members; those who join later get a random one. */
export function memberIdOf(region: string, name: string): number {
  return hashId("member", region, name);
}

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}

function parseMember(text: string): NamedPeer {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(equals, 0));
  if (equals < 0 || !isName(name)) {
    throw invalid(`--initial-cluster: "${text}" is not name=host:port`);
  }
  return { name, peer: parseHostPort(text.slice(equals + 1), `--initial-cluster: ${name}`) };
}

/**
 * The members that `--initial-cluster` names ("a=host:port,b=host:port,…"), `name` among
 * them. Throws INVALID_ARGUMENT saying what is wrong.
 */
export function parseInitialCluster(name: string, text: string): readonly NamedPeer[] {
  const members = text.split(",").map((part) => parseMember(part.trim()));
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
  if (!names.has(name)) {
    const known = [...names].join(", ");
    throw invalid(`--initial-cluster doesn't name this member, "${name}", only ${known}`);
  }
  return members;
}

/** The identity of a member of a new cluster: ids come from names and addresses alone. */
export function foundCluster(
  region: string,
  name: string,
  members: readonly NamedPeer[],
): ClusterIdentity {
  const described = members.map((member) => `${member.name}=${formatHostPort(member.peer)}`).sort();
  return {
    region,
    clusterId: hashId("cluster", region, ...described),
    self: { id: memberIdOf(region, name), name },
    origin: members
      .map((member) => ({
        id: memberIdOf(region, member.name),
        name: member.name,
        peerUrl: peerUrl(member.peer),
      }))
      .sort((a, b) => a.id - b.id),
  };
}

/** The membership with which the cluster's log begins. */
export function originConfState({ origin }: ClusterIdentity): ConfState {
  return { ...EMPTY_CONF_STATE, voters: origin.map(({ id }) => id) };
}

/** The members of the state with which the cluster's log begins; none has published a name yet. */
export function originMembers({ origin }: ClusterIdentity): MemberAttributes[] {
  return origin.map(({ id, peerUrl: url }) => ({ id, name: "", peerUrls: [url], clientUrls: [] }));
}
