import type { Cell } from "../../../global/digest/cell.js";
import type { Publication } from "../../../global/digest/delta.js";
import type { Schema } from "../../../global/digest/section.js";
import type { Incarnation } from "../../../global/digest/version.js";
import type { Random } from "../../../shared/random.js";

/** One write of a region: a group of a summary gets a count, or goes. */
interface Write {
  readonly atMs: number;
  readonly summary: string;
  readonly group: string;
  readonly count: number | undefined;
}

const DEFINITION = 1;
const FIRST_REVISION = 1;

function schemaOf(summary: string): Schema {
  return {
    fingerprint: Buffer.from(summary.padEnd(32, ".")).toString("hex"),
    groupBy: ["value.app"],
    measures: [{ name: "machines", kind: "count", scale: 0, limit: 0 }],
    retired: false,
  };
}

/** A region's own history of writes: write i makes revision i + 2. */
export class FakeRegion {
  readonly name: string;
  readonly incarnation: Incarnation;
  readonly summaries: readonly string[];
  readonly #writes: Write[] = [];
  readonly #groups: number;

  constructor(
    name: string,
    number: number,
    summaries: readonly string[],
    groups: number,
    counter = 1,
  ) {
    this.name = name;
    this.summaries = summaries;
    this.#groups = groups;
    const nonce = number.toString(16).padStart(4, "0").repeat(8);
    this.incarnation = { counter, nonce, baseRevision: 0, parentNonce: "" };
  }

  /** The revision now. */
  get revision(): number {
    return FIRST_REVISION + this.#writes.length;
  }

  /** Writes once. */
  write(atMs: number, random: Random): void {
    const summary = random.pick(this.summaries);
    const group = JSON.stringify([`app-${random.int(this.#groups)}`]);
    const count = random.chance(0.2) ? undefined : random.int(1000);
    this.#writes.push({ atMs, summary, group, count });
  }

  /** Writes one group of a summary: a count, or undefined for a group that goes. */
  put(atMs: number, summary: string, group: string, count: number | undefined): void {
    this.#writes.push({ atMs, summary, group: JSON.stringify([group]), count });
  }

  /** When the first write after a revision was acknowledged; Infinity when there is none. */
  supersededAtMs(revision: number): number {
    return this.#writes[revision - FIRST_REVISION]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** What a fold publishes at a revision when it had published `from` before. */
  publications(from: number | undefined, revision: number): Publication[] {
    return this.summaries.map((summary): Publication => {
      const changes = new Map<string, readonly Cell[] | undefined>();
      const first = from === undefined ? 0 : from - FIRST_REVISION;
      for (const write of this.#writes.slice(first, revision - FIRST_REVISION)) {
        if (write.summary !== summary) continue;
        const { group, count } = write;
        changes.set(group, count === undefined ? undefined : [{ kind: "count", count }]);
      }
      if (from === undefined) {
        for (const [group, cells] of changes) if (cells === undefined) changes.delete(group);
      }
      return {
        id: { region: this.name, summary },
        to: { incarnation: this.incarnation, definition: DEFINITION, foldSemantics: 1, revision },
        from,
        schema: schemaOf(summary),
        changes,
      };
    });
  }
}
