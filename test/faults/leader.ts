import { Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";

/** Index of the endpoint whose member leads. Rejects when none of them does. */
export async function leaderIndex(endpoints: readonly string[]): Promise<number> {
  for (const [index, endpoint] of endpoints.entries()) {
    const client = new RpcClient(endpoint);
    try {
      const status = await client.unary(Maintenance.method.status, {});
      if (status.leader !== 0n && status.leader === status.header?.memberId) return index;
    } finally {
      client.close();
    }
  }
  throw new Error("no member leads");
}
