import { errorText } from "../../shared/errors.js";
import {
  GlobalService,
  type RegionsResponse,
  type SummaryState,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { TopologyGateway, TopologyRegion } from "../../shared/topology.js";
import { callMember, callOne } from "./any-endpoint.js";
import type { Environment } from "./environment.js";
import { type MemberCall, type MemberFacts, withMembership } from "./membership-facts.js";

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

async function askMember(call: MemberCall, name: string, client: string): Promise<MemberFacts> {
  try {
    const status = await call(client, Maintenance.method.status, {});
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

async function membersOf(environment: Environment, region: TopologyRegion): Promise<MemberFacts[]> {
  const call: MemberCall = (address, method, request) =>
    callMember(environment, region, address, method, request);
  const ask = (name: string, client: string): Promise<MemberFacts> => askMember(call, name, client);
  const asked = region.members.map(({ name, client }) => ask(name, client));
  return withMembership(await Promise.all(asked), { call, ask });
}

/** Asks every member and gateway of all regions for its own account, all at once. */
export function gatherFacts(environment: Environment): Promise<RegionFacts[]> {
  return Promise.all(
    environment.topology.regions.map(async (region) => ({
      name: region.name,
      members: await membersOf(environment, region),
      gateways: await Promise.all(region.gateways.map(askGateway)),
    })),
  );
}
