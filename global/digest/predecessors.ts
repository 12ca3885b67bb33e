import type { Predecessor, RegionRegister } from "./region-register.js";
import type { Section } from "./section.js";

/** What regions publish of one summary. */
interface Standing {
  /** Regions by the fingerprint of the definition that they publish. */
  readonly publishers: Map<string, number>;
  /** Registers that keep a section of a definition before. */
  readonly keepers: Set<RegionRegister>;
}

/**
 * Keeps each region's last section of the definition before, until all regions publish
 * one definition again: so that a view can go on with what all of them had while a
 * change of a definition is on its way.
 *
 * It counts who publishes what, so that a move costs the same among ten regions and a
 * thousand.
 */
export class Predecessors {
  readonly #standings = new Map<string, Standing>();

  /** A region's section moved from `before`, of the same life, to `now`. */
  moved(register: RegionRegister, held: Predecessor | undefined, now: Section): void {
    const before = held?.section;
    if (before?.schema.fingerprint === now.schema.fingerprint) return;
    const { summary } = now.id;
    const standing = this.#standing(summary);
    if (before !== undefined) count(standing, before, -1);
    count(standing, now, 1);
    if (now.schema.retired) {
      register.superseded.delete(summary);
      standing.keepers.delete(register);
    } else if (held?.section.schema.retired === false) {
      const { section, word } = held;
      register.superseded.set(summary, { section, word });
      standing.keepers.add(register);
    }
    this.#settle(summary, standing);
  }

  /** A region's register is no more: it was forgotten, or another life took its place. */
  gone(register: RegionRegister): void {
    for (const section of register.sections()) {
      const { summary } = section.id;
      const standing = this.#standing(summary);
      count(standing, section, -1);
      standing.keepers.delete(register);
      this.#settle(summary, standing);
    }
  }

  #standing(summary: string): Standing {
    let standing = this.#standings.get(summary);
    if (standing === undefined) {
      standing = { publishers: new Map(), keepers: new Set() };
      this.#standings.set(summary, standing);
    }
    return standing;
  }

  /** Lets go of what was kept once nobody differs any more. */
  #settle(summary: string, { publishers, keepers }: Standing): void {
    if (publishers.size > 1) return;
    for (const register of keepers) register.superseded.delete(summary);
    keepers.clear();
    if (publishers.size === 0) this.#standings.delete(summary);
  }
}

function count({ publishers }: Standing, { schema }: Section, by: 1 | -1): void {
  if (schema.retired) return;
  const regions = (publishers.get(schema.fingerprint) ?? 0) + by;
  if (regions === 0) publishers.delete(schema.fingerprint);
  else publishers.set(schema.fingerprint, regions);
}
