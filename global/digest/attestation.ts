import type { LineageMark } from "../../shared/etcd/lineage.js";
import { ByteWriter } from "./byte-writer.js";
import type { SectionClaim } from "./section.js";
import type { Incarnation } from "./version.js";

/** Where in a region's history a lineage record stands. */
export type LineagePoint = Omit<LineageMark, "gateway">;

/** What an origin says of one of its sections. */
export interface AttestedSection {
  readonly summary: string;
  readonly definition: number;
  readonly foldSemantics: number;
  readonly revision: number;
  /** A binary string of 32 units. */
  readonly root: string;
}

/** An origin's word for where its sections stand, all in one life of the region. */
export interface Attestation {
  readonly region: string;
  readonly incarnation: Incarnation;
  readonly sections: readonly AttestedSection[];
  /** The newest lineage record that the signer had seen; peers remember it for the region. */
  readonly lineage: LineagePoint | undefined;
  /** Empty where regions don't sign. */
  readonly signature: Uint8Array;
  /** Names the key among those bound to the region; empty without a signature. */
  readonly keyId: string;
}

/** An attestation before it is signed. */
export type Statement = Omit<Attestation, "signature" | "keyId">;

/** Names what is signed, so that a signature can't be taken for one of something else. */
const ATTESTATION_DOMAIN = "atoll attestation 1";

const writer = new ByteWriter();

/** The bytes that are signed: everything but the signature, in canonical form. Valid until the next call. */
export function statementBytes(statement: Statement): Uint8Array {
  const { region, incarnation, sections, lineage } = statement;
  writer.reset();
  writer.text(ATTESTATION_DOMAIN);
  writer.text(region);
  writeIncarnation(writer, incarnation);
  writer.uint32(sections.length);
  for (const section of sections) {
    writer.text(section.summary);
    writer.varint(section.definition);
    writer.varint(section.foldSemantics);
    writer.varint(section.revision);
    writer.binary(section.root);
  }
  writer.byte(lineage === undefined ? 0 : 1);
  if (lineage !== undefined) {
    writer.varint(lineage.counter);
    writer.text(lineage.nonce);
    writer.varint(lineage.revision);
  }
  return writer.written();
}

function writeIncarnation(into: ByteWriter, incarnation: Incarnation): void {
  into.varint(incarnation.counter);
  into.text(incarnation.nonce);
  into.varint(incarnation.baseRevision);
  into.text(incarnation.parentNonce);
}

/** Whether an attestation says exactly this of a section. */
export function covers(word: Attestation, { id, version, root }: SectionClaim): boolean {
  return (
    word.region === id.region &&
    sameIncarnation(word.incarnation, version.incarnation) &&
    word.sections.some(
      (section) =>
        section.root === root &&
        section.summary === id.summary &&
        section.revision === version.revision &&
        section.definition === version.definition &&
        section.foldSemantics === version.foldSemantics,
    )
  );
}

function sameIncarnation(a: Incarnation, b: Incarnation): boolean {
  return (
    a.counter === b.counter &&
    a.nonce === b.nonce &&
    a.baseRevision === b.baseRevision &&
    a.parentNonce === b.parentNonce
  );
}

/** The highest revision that an attestation speaks of. */
export function attestedRevision({ sections }: Attestation): number {
  return sections.reduce((highest, { revision }) => Math.max(highest, revision), 0);
}

/** A section's place in an attestation. */
export function attestedSection({ id, version, root }: SectionClaim): AttestedSection {
  const { definition, foldSemantics, revision } = version;
  return { summary: id.summary, definition, foldSemantics, revision, root };
}
