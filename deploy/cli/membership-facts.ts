import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Cluster, type Member } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { UnaryMethod } from "./any-endpoint.js";

/** Asks the member at an address once. */
export type MemberCall = <I extends DescMessage, O extends DescMessage>(
  address: string,
  method: UnaryMethod<I, O>,
  request: MessageInitShape<I>,
) => Promise<MessageShape<O>>;

/** How members are asked: anything, or for their own account. */
interface Asking {
  readonly call: MemberCall;
  readonly ask: (name: string, address: string) => Promise<MemberFacts>;
}

/** One member's own account, and what the membership adds; `error` says why there is none. */
export interface MemberFacts {
  readonly name: string;
  readonly address: string;
  readonly id?: bigint;
  readonly isLearner?: boolean;
  readonly leads?: boolean;
  readonly leaderKnown?: boolean;
  readonly term?: number;
  readonly revision?: number;
  /** Entries committed as far as it knows. */
  readonly committed?: number;
  readonly applied?: number;
  readonly errors: readonly string[];
  readonly error?: string;
}

const SCHEME = /^[a-z]+:\/\//;

/** The address in a URL of the membership. */
function addressOf(url: string): string {
  return url.replace(SCHEME, "");
}

/** The membership as the first member that answers knows it; undefined when none does. */
async function membershipOf(
  members: readonly MemberFacts[],
  call: MemberCall,
): Promise<Member[] | undefined> {
  for (const { address, error, isLearner } of members) {
    // A learner doesn't serve the list.
    if (error !== undefined || isLearner === true) continue;
    try {
      return (await call(address, Cluster.method.memberList, {})).members;
    } catch {
      // Another one may.
    }
  }
  return undefined;
}

function isSame(facts: MemberFacts, member: Member): boolean {
  if (facts.id !== undefined) return facts.id === member.ID;
  return facts.name === member.name || member.clientURLs.map(addressOf).includes(facts.address);
}

/** What is known of a member that the topology doesn't name, from the membership alone or from itself. */
async function factsOf(member: Member, ask: Asking["ask"]): Promise<MemberFacts> {
  const [client] = member.clientURLs;
  const [peer = "an unknown address"] = member.peerURLs;
  const id = member.ID.toString(16);
  if (client !== undefined) return ask(member.name || id, addressOf(client));
  return {
    name: member.name || id,
    address: addressOf(peer),
    id: member.ID,
    isLearner: member.isLearner,
    errors: [],
    error: `added, and never started; it is expected at ${peer}`,
  };
}

/**
 * Completes what the members of a topology say of themselves by the region's own membership:
 * which of those who don't answer are learners or were removed, and which members there are
 * that the topology doesn't name.
 */
export async function withMembership(
  asked: readonly MemberFacts[],
  { call, ask }: Asking,
): Promise<MemberFacts[]> {
  const membership = await membershipOf(asked, call);
  if (membership === undefined) return [...asked];
  const known = asked.map((facts) => {
    const member = membership.find((one) => isSame(facts, one));
    if (member !== undefined) return { ...facts, isLearner: member.isLearner };
    const errors = [...facts.errors, "not in the region's membership"];
    return { ...facts, errors };
  });
  const others = membership.filter((member) => !asked.some((facts) => isSame(facts, member)));
  return [...known, ...(await Promise.all(others.map((member) => factsOf(member, ask))))];
}
