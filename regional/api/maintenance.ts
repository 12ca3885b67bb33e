import { create } from "@bufbuild/protobuf";
import {
  type AlarmRequest,
  AlarmResponseSchema,
  type Maintenance,
  StatusResponseSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { RegionalNode } from "../node.js";
import { alarmsAsked, alarmTexts } from "./alarms.js";
import { ResponseHeaders } from "./response-header.js";
import { ETCD_API_VERSION } from "./version.js";

/**
 * etcd's Maintenance service: Status and Alarm, which a member answers for itself, leader or
 * not.
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
        isLearner: status.isLearner,
        storageVersion: ETCD_API_VERSION.replace(/\.0$/, ""),
      });
    },
  };
}
