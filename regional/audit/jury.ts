import { MAX_AUDIT_CASES } from "../../shared/limits.js";
import { type Mark, subjectOf } from "./mark.js";

/** What members' marks of one subject say. */
export interface Verdict {
  /** One of the marks. */
  readonly mark: Mark;
  /** The hash of each member that has marked it. */
  readonly hashes: ReadonlyMap<number, string>;
  /**
   * The hash that a majority of the voters has; undefined when none has one (yet), so that
   * nobody can say who is wrong.
   */
  readonly majority: string | undefined;
  /** Members whose hash is not the majority's, in order of id; none without a majority. */
  readonly outliers: readonly number[];
  /** All hashes are equal. */
  readonly agreed: boolean;
}

interface Case {
  readonly mark: Mark;
  readonly hashes: Map<number, string>;
}

/**
 * Compares members' marks. Pure. It remembers the latest MAX_AUDIT_CASES subjects; a member
 * that is slower than that is compared by later ones, since a difference never goes away.
 */
export class Jury {
  /** In the order in which they were begun. */
  readonly #cases = new Map<string, Case>();

  /** Whether a member's mark of a subject is known. */
  has(member: number, mark: Mark): boolean {
    return this.#cases.get(subjectOf(mark))?.hashes.has(member) ?? false;
  }

  /**
   * Takes a member's mark; a verdict once two members have marked the same.
   * @param voters all members that vote, those of both halves of a joint configuration
   */
  add(member: number, mark: Mark, voters: readonly number[]): Verdict | undefined {
    const subject = subjectOf(mark);
    let known = this.#cases.get(subject);
    if (known === undefined) {
      known = { mark, hashes: new Map() };
      this.#cases.set(subject, known);
      this.#forgetOldest();
    }
    known.hashes.set(member, mark.hash);
    return known.hashes.size < 2 ? undefined : judge(known, voters);
  }

  /** Forgets what a member said, which may have begun anew. */
  forget(member: number): void {
    for (const { hashes } of this.#cases.values()) hashes.delete(member);
  }

  #forgetOldest(): void {
    if (this.#cases.size <= MAX_AUDIT_CASES) return;
    const oldest = this.#cases.keys().next().value;
    if (oldest !== undefined) this.#cases.delete(oldest);
  }
}

function judge({ mark, hashes }: Case, voters: readonly number[]): Verdict {
  const counts = new Map<string, number>();
  for (const voter of voters) {
    const hash = hashes.get(voter);
    if (hash !== undefined) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  const needed = Math.floor(voters.length / 2) + 1;
  const majority = [...counts].find(([, count]) => count >= needed)?.[0];
  const outliers: number[] = [];
  if (majority !== undefined) {
    for (const [member, hash] of hashes) if (hash !== majority) outliers.push(member);
  }
  const agreed = new Set(hashes.values()).size === 1;
  return { mark, hashes, majority, outliers: outliers.sort((a, b) => a - b), agreed };
}
