import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MESH_FRAME_TARGET_BYTES } from "../../../shared/limits.js";
import { FrameWriter } from "./frame-writer.js";

/** Parts of frames as encoded messages, each of so many that a frame has room for it. */
export function joinedParts(
  parts: readonly MessageInitShape<typeof SyncResponseSchema>[],
): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let writer = new FrameWriter();
  for (const part of parts) {
    writer.encoded(toBinary(SyncResponseSchema, create(SyncResponseSchema, part)));
    if (writer.size < MESH_FRAME_TARGET_BYTES) continue;
    messages.push(writer.finish());
    writer = new FrameWriter();
  }
  if (!writer.isEmpty) messages.push(writer.finish());
  return messages;
}
