import { create } from "@bufbuild/protobuf";
import { AtollError } from "../../../shared/errors.js";
import { type Hello, HelloSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Incarnation } from "../../digest/version.js";
import { regionName } from "../../digest/wire-check.js";
import { decodeIncarnation, encodeIncarnation } from "../../digest/wire-version.js";

/** Mesh protocol versions that this release speaks, both inclusive. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;

/** Who a peer says it is. */
export interface PeerHello {
  readonly region: string;
  readonly gateway: string;
  /** The highest protocol version that both sides speak. */
  readonly protocol: number;
  readonly foldSemantics: number;
  /** Of the peer's own region; undefined while it doesn't know. */
  readonly incarnation: Incarnation | undefined;
}

/** What a gateway says of itself. */
export interface SelfHello {
  readonly region: string;
  readonly gateway: string;
  readonly foldSemantics: number;
  readonly incarnation: Incarnation | undefined;
}

/** This gateway's own words at the beginning of a stream. */
export function encodeHello(self: SelfHello): Hello {
  return create(HelloSchema, {
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    foldSemantics: self.foldSemantics,
    region: self.region,
    gateway: self.gateway,
    ...(self.incarnation === undefined ? {} : { incarnation: encodeIncarnation(self.incarnation) }),
  });
}

/**
 * Checks a peer's hello. Throws FAILED_PRECONDITION when no protocol version is common,
 * INVALID_ARGUMENT naming the field when it is malformed.
 */
export function decodeHello(hello: Hello): PeerHello {
  if (hello.protocolMin > PROTOCOL_MAX || hello.protocolMax < PROTOCOL_MIN) {
    throw new AtollError(
      "FAILED_PRECONDITION",
      `the peer speaks mesh protocol ${hello.protocolMin} to ${hello.protocolMax}, ` +
        `and this gateway ${PROTOCOL_MIN} to ${PROTOCOL_MAX}`,
    );
  }
  return {
    region: regionName(hello.region, "hello.region"),
    gateway: regionName(hello.gateway, "hello.gateway"),
    protocol: Math.min(PROTOCOL_MAX, hello.protocolMax),
    foldSemantics: hello.foldSemantics,
    incarnation:
      hello.incarnation === undefined
        ? undefined
        : decodeIncarnation(hello.incarnation, "hello.incarnation"),
  };
}
