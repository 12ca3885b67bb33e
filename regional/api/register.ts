import { randomBytes } from "node:crypto";
import {
  Auth,
  Cluster,
  KV,
  Lease,
  Maintenance,
  Watch,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { Health } from "../../shared/gen/grpc/health/v1/health_pb.js";
import type { RpcServer } from "../../shared/rpc/server.js";
import type { RegionalNode } from "../node.js";
import { clusterHandlers } from "./cluster.js";
import { healthHandlers } from "./health.js";
import { kvHandlers } from "./kv.js";
import { LeaderWatchdog } from "./leader-watchdog.js";
import { leaseHandlers } from "./lease.js";
import { maintenanceHandlers } from "./maintenance.js";
import { watchHandlers } from "./watch.js";

/** What the services must know besides the node. */
export interface EtcdServiceOptions {
  /** The Raft election timeout; the shortest lease is half as long again, as in etcd. */
  readonly electionTimeoutMs: number;
}

/** Positive and not zero, as etcd chooses them. */
function randomLeaseId(): bigint {
  return (randomBytes(8).readBigUInt64BE() % (2n ** 63n - 1n)) + 1n;
}

/** 52 bits: members' ids are safe integers. etcd hashes the URLs and the time instead. */
function randomMemberId(): number {
  return Number(randomBytes(8).readBigUInt64BE() >> 12n) || 1;
}

/**
 * Adds the etcd v3 API of a member to a server, with the standard gRPC health check. What
 * is not there yet (authentication, most of Maintenance) answers UNIMPLEMENTED.
 */
export function registerEtcdServices(
  server: RpcServer,
  node: RegionalNode,
  { electionTimeoutMs }: EtcdServiceOptions,
): void {
  const watchdog = new LeaderWatchdog(node, electionTimeoutMs);
  const leaseOptions = {
    minTtlSeconds: Math.ceil((1.5 * electionTimeoutMs) / 1000),
    newLeaseId: randomLeaseId,
  };
  server
    .add(KV, kvHandlers(node))
    .add(Watch, watchHandlers(node, watchdog))
    .add(Lease, leaseHandlers(node, watchdog, leaseOptions))
    .add(Cluster, clusterHandlers(node, { newMemberId: randomMemberId }))
    .add(Maintenance, maintenanceHandlers(node))
    .add(Auth, {});
  const names = [KV, Watch, Lease, Cluster, Maintenance, Auth].map(({ typeName }) => typeName);
  server.add(Health, healthHandlers(node, names));
}
