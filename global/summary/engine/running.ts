import { type BinaryKey, toBinaryKey, utf8 } from "../../../shared/bytes.js";
import type { Publication } from "../../digest/delta.js";
import { type HashFunction, toHex } from "../../digest/hash.js";
import { RETIRED, type Schema } from "../../digest/section.js";
import type { Incarnation, Version } from "../../digest/version.js";
import { canonicalText, type SummaryDefinition } from "../definition/definition.js";
import { Fold, type FoldLimits } from "../fold/fold.js";
import type { MemoryBudget } from "../fold/memory.js";
import { FOLD_SEMANTICS } from "../types.js";

/** Where a region's fold stands. */
export interface Position {
  readonly incarnation: Incarnation;
  readonly revision: number;
}

/** One definition being folded, and what of it was published. */
export class Running {
  readonly definition: SummaryDefinition;
  readonly canonical: string;
  readonly prefix: BinaryKey;
  readonly fold: Fold;
  readonly #schema: Schema;
  #modRevision: number;
  /** Revision of the last publication of this line. */
  #publishedAt: number | undefined;

  constructor(
    definition: SummaryDefinition,
    modRevision: number,
    budget: MemoryBudget,
    hash: HashFunction,
    limits: FoldLimits,
  ) {
    this.definition = definition;
    this.canonical = canonicalText(definition);
    this.prefix = toBinaryKey(utf8(definition.prefix));
    this.fold = new Fold(definition, budget, limits);
    this.#modRevision = modRevision;
    this.#schema = {
      fingerprint: toHex(hash(utf8(this.canonical))),
      groupBy: definition.groupBy.map((expression) => expression.text),
      measures: definition.measures.map(({ name, kind, scale, limit }) => ({
        name,
        kind,
        scale,
        limit,
      })),
      retired: false,
    };
  }

  /** Mod revision of the definition's record. */
  get modRevision(): number {
    return this.#modRevision;
  }

  /** The same definition was written again: another line, with the same content. */
  adopt(modRevision: number): void {
    this.#modRevision = modRevision;
    this.#publishedAt = undefined;
  }

  /** What is new at a position; undefined when that was published already or is refused. */
  publish(region: string, { incarnation, revision }: Position): Publication | undefined {
    if (this.#publishedAt === revision) return undefined;
    const from = this.#publishedAt;
    const changes = from === undefined ? this.fold.snapshot() : this.fold.takeChanges();
    if (this.fold.refusal !== undefined) return undefined;
    this.#publishedAt = revision;
    return {
      id: { region, summary: this.definition.name },
      to: versionOf(incarnation, this.#modRevision, revision),
      from,
      schema: this.#schema,
      changes,
    };
  }
}

/** Says that a region has no such summary any more. */
export function retirement(
  region: string,
  summary: string,
  definition: number,
  { incarnation, revision }: Position,
): Publication {
  return {
    id: { region, summary },
    to: versionOf(incarnation, definition, revision),
    from: undefined,
    schema: RETIRED,
    changes: new Map(),
  };
}

function versionOf(incarnation: Incarnation, definition: number, revision: number): Version {
  return { incarnation, definition, foldSemantics: FOLD_SEMANTICS, revision };
}
