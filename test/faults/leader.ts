import { Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";

const WAIT_MS = 20_000;
const LOOK_MS = 20;

async function leads(endpoint: string): Promise<boolean> {
  const client = new RpcClient(endpoint);
  try {
    const status = await client.unary(Maintenance.method.status, {});
    return status.leader !== 0n && status.leader === status.header?.memberId;
  } catch {
    // A member that was just killed or is starting can't say; another look tells.
    return false;
  } finally {
    client.close();
  }
}

/** Index of the endpoint whose member leads, as soon as one does. Rejects when none does for long. */
export async function leaderIndex(endpoints: readonly string[]): Promise<number> {
  const giveUpAt = Date.now() + WAIT_MS;
  while (Date.now() < giveUpAt) {
    const answers = await Promise.all(endpoints.map(leads));
    const index = answers.indexOf(true);
    if (index >= 0) return index;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`no member leads for ${WAIT_MS} ms`);
}

/** The term of the leader among the endpoints. */
export async function leaderTerm(endpoints: readonly string[]): Promise<number> {
  const leader = endpoints[await leaderIndex(endpoints)] as string;
  const client = new RpcClient(leader);
  try {
    return Number((await client.unary(Maintenance.method.status, {})).raftTerm);
  } finally {
    client.close();
  }
}

/** Moves leadership to the member at an endpoint, if it isn't there; resolves when it leads. */
export async function moveLeader(endpoints: readonly string[], to: number): Promise<void> {
  const leads = await leaderIndex(endpoints);
  if (leads === to) return;
  const target = new RpcClient(endpoints[to] as string);
  const leader = new RpcClient(endpoints[leads] as string);
  try {
    const { header } = await target.unary(Maintenance.method.status, {});
    const request = { targetID: header?.memberId ?? 0n };
    await leader.unary(Maintenance.method.moveLeader, request, { timeoutMs: WAIT_MS });
  } finally {
    target.close();
    leader.close();
  }
}
