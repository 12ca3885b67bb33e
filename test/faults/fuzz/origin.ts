import type { Cell, GroupKey } from "../../../global/digest/cell.js";
import type { Transfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { toHex } from "../../../global/digest/hash.js";
import type { Section, SectionId } from "../../../global/digest/section.js";
import type { Trust } from "../../../global/digest/trust.js";
import type { Incarnation } from "../../../global/digest/version.js";
import { sha256 } from "../../../shared/hash.js";
import type { Random } from "../../../shared/random.js";
import { cells, groupKey, SCHEMA } from "../../global/digest/model.js";

/** What every region of a fuzzed world publishes; a measure of every kind in each. */
export const SUMMARIES = ["machines", "quiet"] as const;

const DEFINITION = 2;
/** Groups of a region, at most. */
const GROUPS = 40;

/** A region that a test makes up and signs for, with all that it ever published. */
export class Origin {
  readonly region: string;
  readonly incarnation: Incarnation;
  readonly trust: Trust;
  readonly state: GlobalState;
  /** Its sections as they were, the latest last. */
  readonly past: Section[] = [];
  #revision = DEFINITION;

  constructor(region: string, nonce: string, trust: Trust) {
    this.region = region;
    this.incarnation = { counter: 1, nonce, baseRevision: 0, parentNonce: "" };
    this.trust = trust;
    this.state = new GlobalState(sha256, trust);
  }

  get revision(): number {
    return this.#revision;
  }

  id(summary: string): SectionId {
    return { region: this.region, summary };
  }

  /** A section as it is now. */
  section(summary: string): Section {
    const section = this.state.section(this.id(summary));
    if (section === undefined) throw new Error(`${this.region} has published no ${summary} yet`);
    return section;
  }

  /** Changes some groups of all summaries; gives what moved. */
  write(random: Random): Section[] {
    this.#revision++;
    return SUMMARIES.map((summary) => {
      const id = this.id(summary);
      const from = this.state.section(id)?.version.revision;
      const changes = new Map<GroupKey, readonly Cell[] | undefined>();
      for (let i = random.int(8) + 1; i > 0; i--) {
        const isGone = from !== undefined && random.chance(0.2);
        changes.set(groupKey(`g${random.int(GROUPS)}`), isGone ? undefined : cells(random.int(99)));
      }
      const { incarnation } = this;
      const to = {
        incarnation,
        definition: DEFINITION,
        foldSemantics: 1,
        revision: this.#revision,
      };
      this.state.publish({ id, to, from, schema: SCHEMA, changes });
      const section = this.section(summary);
      this.past.push(section);
      return section;
    });
  }

  /** Whether it ever published exactly that. */
  hasPublished(summary: string, revision: number, root: string): boolean {
    return this.past.some(
      (section) =>
        section.id.summary === summary &&
        section.version.revision === revision &&
        toHex(section.root) === root,
    );
  }

  /** All of a section, or what is new since a revision. */
  transfer(summary: string, since?: number): Transfer {
    const { id, version } = this.section(summary);
    const have = since === undefined ? undefined : { ...version, revision: since };
    const transfer = this.state.transferSince(id, have);
    if (transfer === undefined) throw new Error(`${summary} has nothing new since ${since}`);
    return transfer;
  }
}
