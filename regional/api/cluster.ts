import { create } from "@bufbuild/protobuf";
import {
  type Cluster,
  type MemberListRequest,
  MemberListResponseSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { CallContext } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { RegionalNode } from "../node.js";
import { requireLeader } from "./proposing.js";
import { ResponseHeaders } from "./response-header.js";

/** etcd leaves the revision out of this service's headers. */
const NO_REVISION = 0;

/** etcd's Cluster service: MemberList (etcd `server/etcdserver/api/v3rpc/member.go`). */
export function clusterHandlers(node: RegionalNode): Handlers<typeof Cluster> {
  const headers = new ResponseHeaders(node);
  return {
    memberList: async ({ linearizable }: MemberListRequest, context: CallContext) => {
      requireLeader(node, context);
      if (linearizable) await node.linearizable();
      return create(MemberListResponseSchema, {
        header: headers.message(NO_REVISION),
        members: node.members().map((member) => ({
          ID: BigInt(member.id),
          name: member.name,
          peerURLs: [...member.peerUrls],
          clientURLs: [...member.clientUrls],
          isLearner: member.isLearner,
        })),
      });
    },
  };
}
