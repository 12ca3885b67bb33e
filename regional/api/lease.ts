import { create, toBinary } from "@bufbuild/protobuf";
import { fromBinaryKey } from "../../shared/bytes.js";
import {
  type Lease,
  type LeaseGrantRequest,
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseLeasesResponseSchema,
  type LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponseSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { CallContext } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { RegionalNode } from "../node.js";
import { CommandKind } from "../store/command.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";
import { KvAnswers } from "./kv-answers.js";
import type { LeaderWatchdog } from "./leader-watchdog.js";
import { leaseKeepAlive } from "./lease-keep-alive.js";
import { expectOutcome } from "./outcomes.js";
import { admit, proposeRaw, requireRoom } from "./proposing.js";
import { ResponseHeaders } from "./response-header.js";

/** Longest time to live in seconds, etcd's MaxLeaseTTL. */
const MAX_LEASE_TTL_SECONDS = 9_000_000_000n;

/** What the lease service must be told. */
export interface LeaseOptions {
  /** Shortest time to live in seconds; shorter ones are raised to it. */
  readonly minTtlSeconds: number;
  /** A fresh lease id: positive, 63 random bits. */
  newLeaseId(): bigint;
}

/** etcd's Lease service (etcd `server/etcdserver/api/v3rpc/lease.go`, `server/lease/lessor.go`). */
export function leaseHandlers(
  node: RegionalNode,
  watchdog: LeaderWatchdog,
  options: LeaseOptions,
): Handlers<typeof Lease> {
  const headers = new ResponseHeaders(node);
  const answers = new KvAnswers(headers);
  const minTtl = BigInt(options.minTtlSeconds);

  return {
    leaseGrant: async (request: LeaseGrantRequest, context: CallContext) => {
      admit(node, context);
      requireRoom(node);
      if (request.TTL > MAX_LEASE_TTL_SECONDS) throw etcdError(ETCD_ERRORS.leaseTtlTooLarge);
      const grant = create(LeaseGrantRequestSchema, {
        ID: request.ID === 0n ? options.newLeaseId() : request.ID,
        TTL: request.TTL < minTtl ? minTtl : request.TTL,
      });
      const body = toBinary(LeaseGrantRequestSchema, grant);
      const outcome = await node.propose(CommandKind.leaseGrant, body);
      const granted = expectOutcome(outcome, "leaseGrant");
      return create(LeaseGrantResponseSchema, {
        header: headers.message(granted.revision),
        ID: granted.id,
        TTL: BigInt(granted.ttl),
      });
    },

    leaseRevoke: async (_request, context: CallContext) => {
      admit(node, context);
      const outcome = await proposeRaw(node, CommandKind.leaseRevoke, context);
      return answers.header(expectOutcome(outcome, "leaseRevoke").revision);
    },

    leaseKeepAlive: leaseKeepAlive(node, watchdog, headers),

    leaseTimeToLive: async ({ ID, keys }: LeaseTimeToLiveRequest, context: CallContext) => {
      admit(node, context);
      const { ttl, grantedTtl } = await node.leaseTimeToLive(ID);
      return create(LeaseTimeToLiveResponseSchema, {
        header: headers.message(node.state.currentRevision),
        ID,
        TTL: BigInt(ttl),
        grantedTTL: BigInt(grantedTtl),
        keys: keys ? node.state.leaseKeys(ID).map(fromBinaryKey) : [],
      });
    },

    leaseLeases: async (_request, context: CallContext) => {
      admit(node, context);
      await node.linearizable();
      return create(LeaseLeasesResponseSchema, {
        header: headers.message(node.state.currentRevision),
        leases: node.state.leases().map(({ id }) => ({ ID: id })),
      });
    },
  };
}
