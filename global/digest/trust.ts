import { type Attestation, covers, type Statement, statementBytes } from "./attestation.js";
import { ByteWriter } from "./byte-writer.js";
import type { SectionClaim } from "./section.js";

/** A signature and the name of the key that made it. */
export interface Signature {
  readonly signature: Uint8Array;
  readonly keyId: string;
}

/** Why a signature isn't taken. */
export type Distrust =
  /** There is none, or none that is over this. */
  | "unsigned"
  /** It names a key that isn't bound to the signer. */
  | "unknown-key"
  /** It is not that key's signature over this. */
  | "forged";

/** Who signs for operators; no region can have this name. */
export const OPERATORS = "_operators";

/**
 * Signs, and tells whose signatures hold. Handed in (global/trust in a process),
 * because a pure core has no keys and no cryptography.
 */
export interface Trust {
  /** Takes what isn't signed; only where an operator has said so. */
  readonly isOpen: boolean;
  /** Signs for this gateway's own region. It must not keep the bytes. */
  sign(statement: Uint8Array): Signature;
  /** Whether this is `signer`'s signature over the statement: a region's name, or OPERATORS. */
  verify(signer: string, signed: Signature, statement: Uint8Array): Distrust | undefined;
}

const NOTHING: Signature = { signature: new Uint8Array(0), keyId: "" };

/** Signs nothing and believes everything. */
export const UNSIGNED: Trust = {
  isOpen: true,
  sign: () => NOTHING,
  verify: () => undefined,
};

/** Names what is signed, so that a signature can't be taken for one of something else. */
const REPORT_DOMAIN = "atoll report 1";
const writer = new ByteWriter();

/** The bytes of an encoded report that are signed. Valid until the next call. */
function reportBytes(report: Uint8Array): Uint8Array {
  writer.reset();
  writer.text(REPORT_DOMAIN);
  writer.bytes(report);
  return writer.written();
}

/** Makes attestations, and checks each that comes in once. */
export class Attester {
  readonly #trust: Trust;
  readonly #verdicts = new WeakMap<Attestation, { readonly distrust: Distrust | undefined }>();

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** This region's own word. */
  sign(statement: Statement): Attestation {
    return { ...statement, ...this.#trust.sign(statementBytes(statement)) };
  }

  /** Why an attestation doesn't count; undefined when it does. */
  distrust(word: Attestation): Distrust | undefined {
    let verdict = this.#verdicts.get(word);
    if (verdict === undefined) {
      const distrust =
        word.signature.length === 0 && !this.#trust.isOpen
          ? "unsigned"
          : this.#trust.verify(word.region, word, statementBytes(word));
      verdict = { distrust };
      this.#verdicts.set(word, verdict);
    }
    return verdict.distrust;
  }

  /** Signs an encoded report of this region. */
  signReport(report: Uint8Array): Signature {
    return this.#trust.sign(reportBytes(report));
  }

  /** Why an encoded report isn't the region's own; undefined when it is. */
  distrustReport(region: string, signed: Signature, report: Uint8Array): Distrust | undefined {
    if (signed.signature.length === 0 && !this.#trust.isOpen) return "unsigned";
    return this.#trust.verify(region, signed, reportBytes(report));
  }

  /** Why a claim isn't its origin's; undefined when it is. */
  distrustOf(claim: SectionClaim, word: Attestation | undefined): Distrust | undefined {
    if (word === undefined || !covers(word, claim)) {
      return this.#trust.isOpen ? undefined : "unsigned";
    }
    return this.distrust(word);
  }
}
