import type { Trees } from "./trees.js";

/**
 * The regions to fetch origins from, remembered for as long as the same neighbours work:
 * finding one takes a look at all neighbours, and all are needed for each plan.
 */
export class Parents {
  #trees: Trees | undefined;
  #working = "";
  #isUp: (region: string) => boolean = () => true;
  readonly #known = new Map<string, string>();

  /** To be called before each plan, with what works now. */
  refresh(trees: Trees, isUp: (region: string) => boolean): void {
    const working = trees.neighbours()?.filter(isUp).join(" ") ?? "";
    if (trees !== this.#trees || working !== this.#working) this.#known.clear();
    this.#trees = trees;
    this.#working = working;
    this.#isUp = isUp;
  }

  /** The region to fetch an origin from: itself, or a neighbour of this region that works. */
  of(origin: string): string {
    let parent = this.#known.get(origin);
    if (parent === undefined) {
      parent = this.#trees?.parent(origin, this.#isUp) ?? origin;
      this.#known.set(origin, parent);
    }
    return parent;
  }
}
