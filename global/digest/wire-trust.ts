import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBinaryKey, toBinaryKey } from "../../shared/bytes.js";
import {
  type Attestation as AttestationMessage,
  AttestationSchema,
  type AttestedSection as AttestedMessage,
  type LineagePoint as LineageMessage,
  OrderKind,
  type Order as OrderMessage,
  OrderSchema,
} from "../../shared/gen/atoll/digest/v1/digest_pb.js";
import { MAX_SECTIONS_PER_REGION, MAX_SIGNATURE_BYTES } from "../../shared/limits.js";
import type { Attestation, AttestedSection, LineagePoint } from "./attestation.js";
import { bytesFromHex, HASH_BYTES, hexFromBytes } from "./hash.js";
import type { Order } from "./orders.js";
import type { Signature } from "./trust.js";
import { bytes, integer, list, malformed, regionName, summaryName, text } from "./wire-check.js";
import { decodeIncarnation, encodeIncarnation, NONCE_BYTES } from "./wire-version.js";

const LINEAGE_NONCE_BYTES = 8;

/** An attestation for the wire. */
export function encodeAttestation(word: Attestation): AttestationMessage {
  const { region, lineage, signature, keyId } = word;
  return create(AttestationSchema, {
    region,
    incarnation: encodeIncarnation(word.incarnation),
    sections: word.sections.map(({ summary, definition, foldSemantics, revision, root }) => ({
      summary,
      definition: BigInt(definition),
      foldSemantics,
      revision: BigInt(revision),
      root: fromBinaryKey(root),
    })),
    ...(lineage === undefined ? {} : { lineage: encodeLineage(lineage) }),
    signature,
    keyId,
  });
}

/** A lineage point for the wire. */
export function encodeLineage({
  counter,
  nonce,
  revision,
}: LineagePoint): MessageInitShape<typeof AttestationSchema>["lineage"] {
  return { counter: BigInt(counter), nonce: bytesFromHex(nonce), revision: BigInt(revision) };
}

/** Checks an attestation's form, not its signature. Throws INVALID_ARGUMENT naming the field. */
export function decodeAttestation(message: AttestationMessage, where: string): Attestation {
  const sections = list(message.sections, MAX_SECTIONS_PER_REGION, `${where}.sections`);
  return {
    region: regionName(message.region, `${where}.region`),
    incarnation: decodeIncarnation(message.incarnation, `${where}.incarnation`),
    sections: sections.map((section, i) => decodeSection(section, `${where}.sections[${i}]`)),
    lineage: message.lineage && decodeLineage(message.lineage, `${where}.lineage`),
    ...decodeSignature(message, where),
  };
}

function decodeSection(message: AttestedMessage, where: string): AttestedSection {
  return {
    summary: summaryName(message.summary, `${where}.summary`),
    definition: integer(message.definition, 1, `${where}.definition`),
    foldSemantics: message.foldSemantics,
    revision: integer(message.revision, 1, `${where}.revision`),
    root: toBinaryKey(bytes(message.root, [HASH_BYTES], `${where}.root`)),
  };
}

/** Checks a lineage point. Throws INVALID_ARGUMENT naming the field. */
export function decodeLineage(message: LineageMessage, where: string): LineagePoint {
  return {
    counter: integer(message.counter, 1, `${where}.counter`),
    nonce: hexFromBytes(bytes(message.nonce, [LINEAGE_NONCE_BYTES], `${where}.nonce`)),
    revision: integer(message.revision, 1, `${where}.revision`),
  };
}

/** Checks a signature's form. Throws INVALID_ARGUMENT naming the field. */
export function decodeSignature(message: Signature, where: string): Signature {
  if (message.signature.length > MAX_SIGNATURE_BYTES) {
    malformed(`${where}.signature`, `is longer than ${MAX_SIGNATURE_BYTES} bytes`);
  }
  const keyId = text(message.keyId, MAX_SIGNATURE_BYTES, `${where}.key_id`);
  return { signature: message.signature.slice(), keyId };
}

/** An order for the wire. */
export function encodeOrder(order: Order): OrderMessage {
  const { region, counter, nonce, serial, signature, keyId } = order;
  return create(OrderSchema, {
    kind: order.kind === "forget" ? OrderKind.FORGET : OrderKind.ADOPT,
    region,
    counter: BigInt(counter),
    nonce: bytesFromHex(nonce),
    serial: BigInt(serial),
    signature,
    keyId,
  });
}

/** Checks an order's form, not its signature. Throws INVALID_ARGUMENT naming the field. */
export function decodeOrder(message: OrderMessage, where: string): Order {
  const { kind } = message;
  if (kind !== OrderKind.FORGET && kind !== OrderKind.ADOPT) {
    malformed(`${where}.kind`, `is ${kind}; it must be to forget or to adopt`);
  }
  const nonceBytes = kind === OrderKind.ADOPT ? NONCE_BYTES : 0;
  return {
    kind: kind === OrderKind.FORGET ? "forget" : "adopt",
    region: regionName(message.region, `${where}.region`),
    counter: integer(message.counter, 1, `${where}.counter`),
    nonce: hexFromBytes(bytes(message.nonce, [nonceBytes], `${where}.nonce`)),
    serial: integer(message.serial, 0, `${where}.serial`),
    ...decodeSignature(message, where),
  };
}
