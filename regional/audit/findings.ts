import { AUDIT_DISPUTE_MS } from "../../shared/limits.js";
import type { Verdict } from "./jury.js";

/** A member whose state is not the majority's. */
export interface Outlier {
  readonly member: number;
  /** The first verdict against it. */
  readonly verdict: Verdict;
}

/** What a verdict adds to what was known. */
export interface News {
  /** Members that are named for the first time, or again after they had come clean. */
  readonly outliers: readonly Outlier[];
}

/**
 * What members' audits have found so far. Pure. A member stays named until it has agreed
 * about the whole again or has left; a difference that nobody can judge becomes a finding
 * when it lasts.
 */
export class Findings {
  readonly #outliers = new Map<number, Outlier>();
  #dispute: { readonly verdict: Verdict; readonly sinceMs: number } | undefined;
  #announced = false;
  /** Highest index at which a comparison of the hash chain found all equal. */
  agreedIndex = 0;
  /** Comparisons that found all equal, and others. */
  agreements = 0;
  disagreements = 0;

  /** Members that are named now. */
  get outliers(): readonly Outlier[] {
    return [...this.#outliers.values()];
  }

  /** The difference that lasts and can't be judged; undefined when there is none. */
  get dispute(): Verdict | undefined {
    return this.#announced ? this.#dispute?.verdict : undefined;
  }

  take(verdict: Verdict, nowMs: number): News {
    if (verdict.agreed) {
      this.#agree(verdict);
      return { outliers: [] };
    }
    this.disagreements++;
    if (verdict.majority === undefined) {
      this.#dispute ??= { verdict, sinceMs: nowMs };
      return { outliers: [] };
    }
    this.#settle();
    const fresh = verdict.outliers
      .filter((member) => !this.#outliers.has(member))
      .map((member) => ({ member, verdict }));
    for (const outlier of fresh) this.#outliers.set(outlier.member, outlier);
    return { outliers: fresh };
  }

  #agree({ mark, hashes }: Verdict): void {
    this.agreements++;
    if (mark.kind !== "chain") return;
    this.agreedIndex = Math.max(this.agreedIndex, mark.index);
    // A chain that differed once never agrees again, unless its member began anew.
    for (const member of hashes.keys()) {
      if (this.#outliers.get(member)?.verdict.mark.kind === "chain") this.#outliers.delete(member);
    }
    if (this.#dispute?.verdict.mark.kind === "chain") this.#settle();
  }

  #settle(): void {
    this.#dispute = undefined;
    this.#announced = false;
  }

  /** A dispute that has just lasted too long; called now and then. */
  lasting(nowMs: number): Verdict | undefined {
    const dispute = this.#dispute;
    if (dispute === undefined || this.#announced) return undefined;
    if (nowMs - dispute.sinceMs < AUDIT_DISPUTE_MS) return undefined;
    this.#announced = true;
    return dispute.verdict;
  }

  /** A member has left, or its connection is new: it may have begun anew, and is heard again. */
  forget(member: number): void {
    this.#outliers.delete(member);
    if (this.#dispute?.verdict.hashes.has(member) === true) this.#settle();
  }
}
