import { errorText } from "../../shared/errors.js";
import {
  GlobalService,
  type RegionsResponse,
  type SummaryState,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { TopologyGateway, TopologyMember, TopologyRegion } from "../../shared/topology.js";
import { callOne } from "./any-endpoint.js";
import { type MemberFacts, withMembership } from "./membership-facts.js";

/** One gateway's own account; `error` says why there is none. */
export interface GatewayFacts {
  readonly name: string;
  readonly address: string;
  readonly view?: RegionsResponse;
  readonly summaries?: readonly SummaryState[];
  readonly error?: string;
}

/** All that was learnt of one region. */
export interface RegionFacts {
  readonly name: string;
  readonly members: readonly MemberFacts[];
  readonly gateways: readonly GatewayFacts[];
}

async function askMember(name: string, client: string): Promise<MemberFacts> {
  try {
    const status = await callOne(client, Maintenance.method.status, {});
    return {
      name,
      address: client,
      ...(status.header === undefined ? {} : { id: status.header.memberId }),
      isLearner: status.isLearner,
      leads: status.leader !== 0n && status.leader === status.header?.memberId,
      leaderKnown: status.leader !== 0n,
      term: Number(status.raftTerm),
      revision: Number(status.header?.revision ?? 0n),
      committed: Number(status.raftIndex),
      applied: Number(status.raftAppliedIndex),
      errors: status.errors,
    };
  } catch (error) {
    return { name, address: client, errors: [], error: errorText(error) };
  }
}

async function askGateway({ name, grpc }: TopologyGateway): Promise<GatewayFacts> {
  try {
    const [view, summaries] = await Promise.all([
      callOne(grpc, GlobalService.method.regions, {}),
      callOne(grpc, GlobalService.method.summaries, {}),
    ]);
    return { name, address: grpc, view, summaries: summaries.summaries };
  } catch (error) {
    return { name, address: grpc, error: errorText(error) };
  }
}

async function membersOf(members: readonly TopologyMember[]): Promise<MemberFacts[]> {
  const asked = members.map(({ name, client }) => askMember(name, client));
  return withMembership(await Promise.all(asked), askMember);
}

/** Asks every member and gateway of the regions for its own account, all at once. */
export function gatherFacts(regions: readonly TopologyRegion[]): Promise<RegionFacts[]> {
  return Promise.all(
    regions.map(async (region) => ({
      name: region.name,
      members: await membersOf(region.members),
      gateways: await Promise.all(region.gateways.map(askGateway)),
    })),
  );
}
