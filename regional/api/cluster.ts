import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Cluster,
  type Member,
  type MemberAddRequest,
  MemberAddResponseSchema,
  type MemberListRequest,
  MemberListResponseSchema,
  type MemberPromoteRequest,
  MemberPromoteResponseSchema,
  type MemberRemoveRequest,
  MemberRemoveResponseSchema,
  type MemberSchema,
  type MemberUpdateRequest,
  MemberUpdateResponseSchema,
  type ResponseHeader,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { CallContext } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { MemberInfo, RegionalNode } from "../node.js";
import { CommandKind } from "../store/command.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";
import { encodeMember } from "../store/member-message.js";
import { checkPeerUrls } from "./member-urls.js";
import { expectOutcome } from "./outcomes.js";
import { admit } from "./proposing.js";
import { ResponseHeaders } from "./response-header.js";

/** etcd leaves the revision out of this service's headers. */
const NO_REVISION = 0;

/** What the cluster service must be told. */
export interface ClusterOptions {
  /** A fresh member id: a safe integer above 0 that no member of any cluster ever had. */
  newMemberId(): number;
}

function memberMessage(member: MemberInfo): MessageInitShape<typeof MemberSchema> {
  return {
    ID: BigInt(member.id),
    name: member.name,
    peerURLs: [...member.peerUrls],
    clientURLs: [...member.clientUrls],
    isLearner: member.isLearner,
  };
}

/** The id in a request. Members' ids are safe integers, so others are nobody's. */
function idOf(id: Member["ID"]): number {
  const value = Number(id);
  if (value === 0 || !Number.isSafeInteger(value)) throw etcdError(ETCD_ERRORS.memberNotFound);
  return value;
}

/**
 * etcd's Cluster service (etcd `server/etcdserver/api/v3rpc/member.go`). Changes are decided
 * where they are applied and, as far as the group's health goes, by the leader; each is
 * answered with the members as this one knows them once it has applied it.
 */
export function clusterHandlers(
  node: RegionalNode,
  options: ClusterOptions,
): Handlers<typeof Cluster> {
  const headers = new ResponseHeaders(node);

  async function change(
    kind: CommandKind,
    member: { readonly id: number; readonly peerUrls?: readonly string[] },
    isLearner = false,
  ): Promise<void> {
    const attributes = { name: "", peerUrls: [], clientUrls: [], ...member };
    const outcome = await node.propose(kind, encodeMember(attributes, isLearner));
    expectOutcome(outcome, "member");
  }

  function answer(): {
    header: ResponseHeader;
    members: MessageInitShape<typeof MemberSchema>[];
  } {
    return {
      header: headers.message(NO_REVISION),
      members: node.members().map(memberMessage),
    };
  }

  return {
    memberAdd: async ({ peerURLs, isLearner }: MemberAddRequest, context: CallContext) => {
      admit(node, context);
      const peerUrls = checkPeerUrls(peerURLs);
      const id = options.newMemberId();
      await change(CommandKind.memberAdd, { id, peerUrls }, isLearner);
      const member = { ID: BigInt(id), peerURLs: peerUrls, isLearner };
      return create(MemberAddResponseSchema, { ...answer(), member });
    },

    memberRemove: async ({ ID }: MemberRemoveRequest, context: CallContext) => {
      admit(node, context);
      await change(CommandKind.memberRemove, { id: idOf(ID) });
      return create(MemberRemoveResponseSchema, answer());
    },

    // etcd takes any text here and dies of some; ours are checked as in MemberAdd.
    memberUpdate: async ({ ID, peerURLs }: MemberUpdateRequest, context: CallContext) => {
      admit(node, context);
      const peerUrls = checkPeerUrls(peerURLs);
      await change(CommandKind.memberMove, { id: idOf(ID), peerUrls });
      return create(MemberUpdateResponseSchema, answer());
    },

    memberPromote: async ({ ID }: MemberPromoteRequest, context: CallContext) => {
      admit(node, context);
      await change(CommandKind.memberPromote, { id: idOf(ID) });
      return create(MemberPromoteResponseSchema, answer());
    },

    memberList: async ({ linearizable }: MemberListRequest, context: CallContext) => {
      admit(node, context);
      if (linearizable) await node.linearizable();
      return create(MemberListResponseSchema, answer());
    },
  };
}
