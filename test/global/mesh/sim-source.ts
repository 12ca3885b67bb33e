import type { Publication } from "../../../global/digest/delta.js";
import { Confirmations } from "../../../global/source/confirmations.js";
import type { Instant } from "../../../global/source/types.js";
import type { Random } from "../../../shared/random.js";
import type { Bug } from "./planted-bugs.js";
import type { SimGateway } from "./sim-gateway.js";

/** What a source's gateway does with what it says, and the world it lives in. */
export interface SimSourceWorld {
  readonly random: Random;
  readonly nowMs: number;
  /** Runs something later, in the gateway's own time: after it thaws, never after it died. */
  later(delayMs: number, run: () => void): void;
  publish(publications: readonly Publication[]): void;
  confirmed(revision: number, asOfMs: number): void;
}

/** Pauses between two linearizable reads. */
const READ_EVERY_MS = 250;

/**
 * A gateway's way to its region: a watch that is a moment behind, and linearizable reads
 * that confirm how far it is, both by the region's history. What decides which read
 * confirms what is the gateway's own code.
 */
export class SimSource {
  readonly #gateway: SimGateway;
  readonly #world: SimSourceWorld;
  readonly #bug: Bug | undefined;
  readonly #confirmations = new Confirmations();
  /** Revision up to which the region is folded; undefined before the first read. */
  #folded: number | undefined;

  constructor(gateway: SimGateway, world: SimSourceWorld, bug: Bug | undefined) {
    this.#gateway = gateway;
    this.#world = world;
    this.#bug = bug;
  }

  start(): void {
    this.#world.later(50 + this.#world.random.int(300), () => this.#watch());
    this.#world.later(this.#world.random.int(READ_EVERY_MS), () => this.#read());
  }

  #watch(): void {
    const { random } = this.#world;
    const { region, watchStalled, isolatedAt } = this.#gateway;
    const revision = isolatedAt ?? region.revision;
    // A first read is linearizable: a member that is cut off doesn't answer it.
    const mayMove = this.#folded === undefined ? isolatedAt === undefined : !watchStalled;
    if (mayMove && revision > (this.#folded ?? 0)) {
      this.#world.publish(region.publications(this.#folded, revision));
      this.#folded = revision;
      this.#confirm();
    }
    this.#world.later(5 + random.int(60), () => this.#watch());
  }

  #read(): void {
    const { random } = this.#world;
    const began = this.#gateway.instant(this.#world.nowMs);
    this.#world.later(random.int(15), () => this.#answer(began));
    this.#world.later(READ_EVERY_MS, () => this.#read());
  }

  /** The store answers, or hangs until it can. */
  #answer(began: Instant): void {
    const { random } = this.#world;
    const { region, isolatedAt } = this.#gateway;
    if (isolatedAt !== undefined && this.#bug !== "serializable-read") {
      this.#world.later(100, () => this.#answer(began));
      return;
    }
    const revision = isolatedAt ?? region.revision;
    this.#world.later(random.int(15), () => {
      const { nowMs } = this.#world;
      const asOf = this.#bug === "as-of-at-answer" ? this.#gateway.instant(nowMs) : began;
      const isUnfolded = this.#bug === "confirm-unfolded" && this.#folded !== undefined;
      this.#confirmations.add(isUnfolded ? (this.#folded ?? 0) : revision, asOf);
      this.#confirm();
    });
  }

  #confirm(): void {
    if (this.#folded === undefined) return;
    const confirmed = this.#confirmations.take(this.#folded);
    if (confirmed === undefined) return;
    const asOfMs = this.#gateway.at(confirmed.began, this.#world.nowMs);
    this.#world.confirmed(confirmed.revision, asOfMs);
  }
}
