import { create, toBinary } from "@bufbuild/protobuf";
import { MemberSchema } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { MemberAttributes } from "../store/state.js";

/** Whether what the group knows of a member is what it says of itself. */
export function sameAttributes(a: MemberAttributes | undefined, b: MemberAttributes): boolean {
  return (
    a !== undefined &&
    a.name === b.name &&
    a.peerUrls.join(" ") === b.peerUrls.join(" ") &&
    a.clientUrls.join(" ") === b.clientUrls.join(" ")
  );
}

/** The body of a memberUpdate command. */
export function encodeAttributes({ id, name, peerUrls, clientUrls }: MemberAttributes): Uint8Array {
  return toBinary(
    MemberSchema,
    create(MemberSchema, {
      ID: BigInt(id),
      name,
      peerURLs: [...peerUrls],
      clientURLs: [...clientUrls],
    }),
  );
}
