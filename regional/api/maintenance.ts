import { create } from "@bufbuild/protobuf";
import {
  type AlarmRequest,
  AlarmResponseSchema,
  type Maintenance,
  type MoveLeaderRequest,
  MoveLeaderResponseSchema,
  StatusResponseSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { CallContext } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { RegionalNode } from "../node.js";
import { alarmsAsked, alarmTexts } from "./alarms.js";
import { admit } from "./proposing.js";
import { ResponseHeaders } from "./response-header.js";
import { ETCD_API_VERSION } from "./version.js";

/**
 * etcd's Maintenance service (etcd `server/etcdserver/api/v3rpc/maintenance.go`): Status and
 * Alarm, which a member answers for itself, leader or not; MoveLeader, which only the leader
 * takes, without a header in its answer.
 */
export function maintenanceHandlers(node: RegionalNode): Handlers<typeof Maintenance> {
  const headers = new ResponseHeaders(node);
  return {
    alarm: (request: AlarmRequest) =>
      create(AlarmResponseSchema, {
        header: headers.message(node.state.currentRevision),
        alarms: alarmsAsked(node.alarms(), request),
      }),
    status: () => {
      const status = node.status();
      return create(StatusResponseSchema, {
        header: headers.message(node.state.currentRevision),
        version: ETCD_API_VERSION,
        dbSize: BigInt(status.dbSize),
        dbSizeInUse: BigInt(status.dbSizeInUse),
        leader: BigInt(status.leader),
        raftIndex: BigInt(status.raftIndex),
        raftTerm: BigInt(status.raftTerm),
        raftAppliedIndex: BigInt(status.raftAppliedIndex),
        errors: [...status.errors, ...alarmTexts(node.alarms())],
        isLearner: node.isLearner,
        storageVersion: ETCD_API_VERSION.replace(/\.0$/, ""),
      });
    },
    moveLeader: async ({ targetID }: MoveLeaderRequest, context: CallContext) => {
      admit(node, context);
      await node.moveLeader(Number(targetID));
      return create(MoveLeaderResponseSchema, {});
    },
  };
}
