import { type Attestation, attestedSection, type LineagePoint } from "./attestation.js";
import type { RegionRegister } from "./region-register.js";
import type { Section, SectionId } from "./section.js";
import type { Attester } from "./trust.js";

/** The origins' word for what one gateway holds, to be passed on with it. */
export class Words {
  /** The newest lineage record of the own region; said with what is signed. */
  lineage: LineagePoint | undefined;
  readonly #registers: ReadonlyMap<string, RegionRegister>;
  readonly #attester: Attester;

  constructor(registers: ReadonlyMap<string, RegionRegister>, attester: Attester) {
    this.#registers = registers;
    this.#attester = attester;
  }

  /**
   * The origin's word for a section as it is held. What the own fold has published is
   * signed when it is first asked for, all of it at once.
   */
  of(id: SectionId): Attestation | undefined {
    const register = this.#registers.get(id.region);
    const held = register?.held.get(id.summary);
    if (register === undefined || held === undefined) return undefined;
    if (held.word === undefined) this.#sign(register);
    return held.word;
  }

  /** The origin's latest word for any of a region's sections. */
  newest(region: string): Attestation | undefined {
    let newest: Section | undefined;
    for (const section of this.#registers.get(region)?.sections() ?? []) {
      if (newest === undefined || section.version.revision > newest.version.revision) {
        newest = section;
      }
    }
    return newest === undefined ? undefined : this.of(newest.id);
  }

  /** What proves to others that regions are in conflict: the word of each life. */
  *evidence(): Generator<Attestation> {
    for (const register of this.#registers.values()) {
      if (!register.inConflict) continue;
      yield* register.evidence;
      const own = this.newest(register.region);
      if (own !== undefined) yield own;
    }
  }

  /** Signs all of the own fold that isn't signed yet. */
  #sign(register: RegionRegister): void {
    const unsigned = [...register.held.values()].filter(({ word }) => word === undefined);
    const sections = unsigned.map(({ section }) => attestedSection(section));
    const { region, incarnation } = register;
    const word = this.#attester.sign({ region, incarnation, sections, lineage: this.lineage });
    for (const held of unsigned) held.word = word;
  }
}
