import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Attestation,
  attestedSection,
  type LineagePoint,
  statementBytes,
} from "../../../global/digest/attestation.js";
import type { Cell, GroupKey } from "../../../global/digest/cell.js";
import type { Transfer } from "../../../global/digest/delta.js";
import type { Schema, Section, SectionId } from "../../../global/digest/section.js";
import { makeSection } from "../../../global/digest/section.js";
import type { Trust } from "../../../global/digest/trust.js";
import type { Version } from "../../../global/digest/version.js";
import { encodeTransfer } from "../../../global/digest/wire-transfer.js";
import { encodeAttestation } from "../../../global/digest/wire-trust.js";
import {
  type SectionChunk,
  SectionChunkSchema,
} from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { contentOf, SCHEMA } from "../../global/digest/model.js";
import type { Origin } from "./origin.js";

type FrameInit = Parameters<typeof create<typeof SyncResponseSchema>>[1];

/** A frame's bytes. */
export function frameOf(init: FrameInit): Uint8Array {
  return toBinary(SyncResponseSchema, create(SyncResponseSchema, init));
}

/** A transfer's chunks. */
export function chunksOf(transfer: Transfer): SectionChunk[] {
  return encodeTransfer(transfer).map((bytes) => fromBinary(SectionChunkSchema, bytes));
}

/** A frame with a transfer, or chunks, and its origin's word. */
export function telling(
  news: Transfer | readonly SectionChunk[],
  ...words: readonly (Attestation | undefined)[]
): Uint8Array {
  const chunks = "kind" in news ? chunksOf(news) : [...news];
  const attestations = words.flatMap((word) => word ?? []).map(encodeAttestation);
  return frameOf({ chunks, attestations });
}

/** What one would sign who had a region's keys, or other ones, of sections of one life. */
export function attest(
  trust: Trust,
  sections: readonly Section[],
  lineage?: LineagePoint,
): Attestation {
  const [first] = sections;
  if (first === undefined) throw new Error("there is nothing to attest");
  const { incarnation } = first.version;
  const statement = {
    region: first.id.region,
    incarnation,
    sections: sections.map(attestedSection),
    lineage,
  };
  return { ...statement, ...trust.sign(statementBytes(statement)) };
}

/** A section that nobody ever published, with its true root. */
export function inventSection(
  id: SectionId,
  version: Version,
  groups: ReadonlyMap<GroupKey, readonly Cell[]>,
  schema: Schema = SCHEMA,
): Section {
  return makeSection(id, version, schema, contentOf(groups), sha256);
}

/** A section whole. */
export function wholeOf({ id, version, schema, content, root }: Section): Transfer {
  const changes = new Map([...content.leaves()].map((leaf) => [leaf.key, leaf.cells] as const));
  return { kind: "whole", id, to: version, schema, changes, root };
}

/** The origin's word for a section as it is now. */
export function wordFor(origin: Origin, summary: string): Attestation | undefined {
  return origin.state.words.of(origin.id(summary));
}
