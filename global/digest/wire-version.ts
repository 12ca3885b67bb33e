import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBinaryKey, toBinaryKey } from "../../shared/bytes.js";
import {
  type SectionClaim as ClaimMessage,
  type Gap as GapMessage,
  type GapSchema,
  type Incarnation as IncarnationMessage,
  type IncarnationSchema,
  SectionClaimSchema,
  type Version as VersionMessage,
  type VersionSchema,
} from "../../shared/gen/atoll/digest/v1/digest_pb.js";
import { MAX_CLAIMS_PER_FRAME } from "../../shared/limits.js";
import type { Gap } from "./delta.js";
import { bytesFromHex, HASH_BYTES, hexFromBytes } from "./hash.js";
import type { SectionClaim } from "./section.js";
import type { Incarnation, Version } from "./version.js";
import { bytes, integer, list, malformed, regionName, summaryName } from "./wire-check.js";

/** Bytes of an incarnation's nonce. */
export const NONCE_BYTES = 16;

/** An incarnation for the wire. */
export function encodeIncarnation(
  incarnation: Incarnation,
): MessageInitShape<typeof IncarnationSchema> {
  return {
    counter: BigInt(incarnation.counter),
    nonce: bytesFromHex(incarnation.nonce),
    baseRevision: BigInt(incarnation.baseRevision),
    parentNonce: bytesFromHex(incarnation.parentNonce),
  };
}

/** Checks an incarnation. Throws INVALID_ARGUMENT naming the field below `where`. */
export function decodeIncarnation(
  message: IncarnationMessage | undefined,
  where: string,
): Incarnation {
  if (message === undefined) malformed(where, "is missing");
  return {
    counter: integer(message.counter, 1, `${where}.counter`),
    nonce: hexFromBytes(bytes(message.nonce, [NONCE_BYTES], `${where}.nonce`)),
    baseRevision: integer(message.baseRevision, 0, `${where}.base_revision`),
    parentNonce: hexFromBytes(
      bytes(message.parentNonce, [0, NONCE_BYTES], `${where}.parent_nonce`),
    ),
  };
}

/** A version for the wire. */
export function encodeVersion(version: Version): MessageInitShape<typeof VersionSchema> {
  return {
    incarnation: encodeIncarnation(version.incarnation),
    definition: BigInt(version.definition),
    foldSemantics: version.foldSemantics,
    revision: BigInt(version.revision),
  };
}

/** Checks a version. Throws INVALID_ARGUMENT naming the field below `where`. */
export function decodeVersion(message: VersionMessage | undefined, where: string): Version {
  if (message === undefined) malformed(where, "is missing");
  const revision = integer(message.revision, 1, `${where}.revision`);
  const definition = integer(message.definition, 1, `${where}.definition`);
  if (definition > revision) {
    malformed(`${where}.definition`, `is ${definition}, after the revision ${revision}`);
  }
  if (message.foldSemantics < 1)
    malformed(`${where}.fold_semantics`, "is 0; it must be at least 1");
  return {
    incarnation: decodeIncarnation(message.incarnation, `${where}.incarnation`),
    definition,
    foldSemantics: message.foldSemantics,
    revision,
  };
}

/** A gap for the wire. */
export function encodeGap({ after, before }: Gap): MessageInitShape<typeof GapSchema> {
  return { after: BigInt(after), before: BigInt(before) };
}

/** Checks a gap. Throws INVALID_ARGUMENT naming the field below `where`. */
export function decodeGap(message: GapMessage, where: string): Gap {
  const after = integer(message.after, 0, `${where}.after`);
  return { after, before: integer(message.before, after + 1, `${where}.before`) };
}

/** A claim for the wire. */
export function encodeClaim(claim: SectionClaim): ClaimMessage {
  return create(SectionClaimSchema, {
    region: claim.id.region,
    summary: claim.id.summary,
    version: encodeVersion(claim.version),
    root: fromBinaryKey(claim.root),
  });
}

/** Checks claims, such as a version vector. Throws INVALID_ARGUMENT naming the field. */
export function decodeClaims(messages: readonly ClaimMessage[], where: string): SectionClaim[] {
  return list(messages, MAX_CLAIMS_PER_FRAME, where).map((message, index) => {
    const here = `${where}[${index}]`;
    return {
      id: {
        region: regionName(message.region, `${here}.region`),
        summary: summaryName(message.summary, `${here}.summary`),
      },
      version: decodeVersion(message.version, `${here}.version`),
      root: toBinaryKey(bytes(message.root, [HASH_BYTES], `${here}.root`)),
    };
  });
}
