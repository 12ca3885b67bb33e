import { create } from "@bufbuild/protobuf";
import { AtollError } from "../../shared/errors.js";
import {
  type AlarmMember,
  AlarmMemberSchema,
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmType,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { NodeAlarm } from "../node.js";

const TYPES = { noSpace: AlarmType.NOSPACE, corrupt: AlarmType.CORRUPT } as const;

/**
 * The answer to an Alarm request (etcd `server/etcdserver/api/v3rpc/maintenance.go`): alarms
 * of the type and member asked for, which are all by default. They end by themselves, so
 * there is nothing to deactivate, and nobody raises one by hand.
 */
export function alarmsAsked(alarms: readonly NodeAlarm[], request: AlarmRequest): AlarmMember[] {
  switch (request.action) {
    case AlarmRequest_AlarmAction.GET:
      return alarms
        .map(({ member, alarm }) =>
          create(AlarmMemberSchema, { memberID: BigInt(member), alarm: TYPES[alarm] }),
        )
        .filter(({ alarm }) => request.alarm === AlarmType.NONE || request.alarm === alarm)
        .filter(({ memberID }) => request.memberID === 0n || request.memberID === memberID);
    case AlarmRequest_AlarmAction.DEACTIVATE:
      return [];
    default:
      throw new AtollError(
        "UNIMPLEMENTED",
        "atoll: alarms are raised by members only: action must be GET or DEACTIVATE",
      );
  }
}

/** Alarms as etcd lists them among a status's errors. */
export function alarmTexts(alarms: readonly NodeAlarm[]): string[] {
  return alarms.map(({ member, alarm }) => `memberID:${member} alarm:${AlarmType[TYPES[alarm]]} `);
}
