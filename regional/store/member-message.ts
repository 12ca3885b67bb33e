import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { MemberSchema } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { DECODE_OPTIONS } from "./wire.js";

/** The attributes of a member; `peerUrls` and `clientUrls` in the order given. */
export interface MemberAttributes {
  readonly id: number;
  /** Empty until the member has started and published it. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Empty until the member has started and published them. */
  readonly clientUrls: readonly string[];
}

/** What an encoded Member holds. Only the command that adds it says whether it is a learner. */
interface DecodedMember {
  readonly attributes: MemberAttributes;
  readonly isLearner: boolean;
}

/** An etcdserverpb.Member: the body of commands about members, and a member's record. */
export function encodeMember(
  { id, name, peerUrls, clientUrls }: MemberAttributes,
  isLearner = false,
): Uint8Array {
  const member = create(MemberSchema, {
    ID: BigInt(id),
    name,
    peerURLs: [...peerUrls],
    clientURLs: [...clientUrls],
    isLearner,
  });
  return toBinary(MemberSchema, member);
}

/** Reads an encoded Member; a text that says what is wrong with it when it can't be. */
export function decodeMember(bytes: Uint8Array): DecodedMember | string {
  try {
    const { ID, name, peerURLs, clientURLs, isLearner } = fromBinary(
      MemberSchema,
      bytes,
      DECODE_OPTIONS,
    );
    const id = Number(ID);
    if (id === 0 || !Number.isSafeInteger(id)) return "the member's id is not a safe integer";
    return { attributes: { id, name, peerUrls: peerURLs, clientUrls: clientURLs }, isLearner };
  } catch {
    return "the body is not a Member";
  }
}
