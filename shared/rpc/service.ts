import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import { logVerbosity, type MethodDefinition, setLogVerbosity } from "@grpc/grpc-js";
import { asBuffer } from "../bytes.js";

// What grpc-js would write to standard error reaches callers as errors, and logs are JSON.
setLogVerbosity(logVerbosity.NONE);

/** A service as protobuf-es describes it. */
export type AnyService = GenService<GenServiceMethods>;

/** The request path of a method, as gRPC puts it on the wire. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/**
 * Encodes a message; bytes that are encoded already pass through, so that an
 * event for a thousand watchers is encoded once.
 */
export function encodeMessage<T extends DescMessage>(
  schema: T,
  message: MessageShape<T> | Uint8Array,
): Buffer {
  return asBuffer(message instanceof Uint8Array ? message : toBinary(schema, message));
}

/**
 * Decodes a message from a received frame. The view is a plain Uint8Array, so
 * that bytes fields are too (Buffer's `slice` doesn't copy); they alias the frame.
 */
export function decodeMessage<T extends DescMessage>(
  schema: T,
  bytes: Uint8Array,
): MessageShape<T> {
  return fromBinary(schema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

const identity = (bytes: Buffer): Buffer => bytes;

/** grpc-js's definition of one method, with bytes on both sides. */
export function bytesMethod(method: DescMethod): MethodDefinition<Buffer, Buffer> {
  return {
    path: methodPath(method),
    requestStream:
      method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream:
      method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
}
