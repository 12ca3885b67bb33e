import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { asBuffer } from "../../shared/bytes.js";
import {
  type HeartbeatSchema,
  type Notice,
  SubscribeResponseSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";

type ResponseEvent = NonNullable<MessageInitShape<typeof SubscribeResponseSchema>["event"]>;

/** An encoded `SubscribeResponse` that tells a notice. */
export function noticeFrame(notice: Notice): Uint8Array {
  return encode({ case: "notice", value: notice });
}

/** One that tells how old all is. */
export function heartbeatFrame(value: MessageInitShape<typeof HeartbeatSchema>): Uint8Array {
  return encode({ case: "heartbeat", value });
}

function encode(event: ResponseEvent): Uint8Array {
  return asBuffer(toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { event })));
}
