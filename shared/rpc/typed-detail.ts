import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { asBuffer } from "../bytes.js";
import { type AtollError, CODES, type TypedDetail } from "../errors.js";
import { StatusSchema } from "../gen/atoll/rpc/v1/status_pb.js";

/** The trailer by which gRPC implementations carry typed details. */
export const DETAILS_TRAILER = "grpc-status-details-bin";
/** What precedes a message's name in google.protobuf.Any. */
const TYPE_PREFIX = "type.googleapis.com/";

/** The trailer's value for an error with a typed detail. */
export function encodeTypedDetail({ code, message }: AtollError, detail: TypedDetail): Buffer {
  const status = create(StatusSchema, {
    code: CODES[code],
    message,
    details: [{ typeUrl: `${TYPE_PREFIX}${detail.typeName}`, value: detail.bytes }],
  });
  return asBuffer(toBinary(StatusSchema, status));
}

/** The first detail of a trailer's value; undefined when there is none, or it can't be read. */
export function decodeTypedDetail(bytes: Uint8Array): TypedDetail | undefined {
  try {
    const [detail] = fromBinary(StatusSchema, new Uint8Array(bytes)).details;
    if (detail === undefined) return undefined;
    const typeName = detail.typeUrl.slice(detail.typeUrl.lastIndexOf("/") + 1);
    return { typeName, bytes: detail.value };
  } catch {
    return undefined;
  }
}
