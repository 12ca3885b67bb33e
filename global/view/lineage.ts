import { MAX_LIVES_PER_REGION } from "../../shared/limits.js";
import type { Incarnation } from "../digest/version.js";

/** Whether a write of one life of a region is in the history that another life is in. */
export type Descent =
  | { readonly kind: "kept" }
  /** It isn't: the other life was restored from before it, or never came from that life. */
  | { readonly kind: "lost"; readonly why: string }
  /** What is known doesn't tell. */
  | { readonly kind: "unknown"; readonly why: string };

type Life = Incarnation & { clusterId: string | undefined };

/**
 * The lives of regions that this gateway has heard of, and which came from which. A life
 * names its parent and the revision that it went back to, so that a write of an ancestor
 * is kept when it is at or below every such base on the way down.
 */
export class LineageBook {
  /** By region, then by nonce, in the order in which they were heard of. */
  readonly #lives = new Map<string, Map<string, Life>>();

  /** Takes note of a life. */
  note(region: string, incarnation: Incarnation): void {
    const lives = this.#lives.get(region) ?? new Map<string, Life>();
    if (lives.has(incarnation.nonce)) return;
    this.#lives.set(region, lives);
    lives.set(incarnation.nonce, { ...incarnation, clusterId: undefined });
    if (lives.size > MAX_LIVES_PER_REGION) lives.delete(lives.keys().next().value as string);
  }

  /** Takes note of the cluster id, in hexadecimal, that the store of a life answers with. */
  noteCluster(region: string, incarnation: Incarnation, clusterId: string): void {
    if (clusterId === "") return;
    this.note(region, incarnation);
    const life = this.#lives.get(region)?.get(incarnation.nonce);
    if (life !== undefined) life.clusterId = clusterId;
  }

  /**
   * The lives that a cluster id may stand for, seen from the life that the region is in:
   * those that are known to have it, and ancestors of which it isn't known. None while
   * nothing is known to have it.
   */
  livesOf(region: string, now: Incarnation, clusterId: string): string[] {
    const lives = this.#lives.get(region);
    const line = this.#line(region, now);
    const nonces = line.map(({ nonce }) => nonce);
    const before = line.at(-1)?.parentNonce ?? "";
    if (before !== "") nonces.push(before);
    if (!nonces.some((nonce) => lives?.get(nonce)?.clusterId === clusterId)) return [];
    return nonces.filter((nonce) => {
      const known = lives?.get(nonce)?.clusterId;
      return known === undefined || known === clusterId;
    });
  }

  /**
   * What became of revision `revision` of a life in the life `now`. `counter` is that of
   * the given life, where the caller knows it, else 0.
   */
  descent(
    region: string,
    now: Incarnation,
    nonce: string,
    counter: number,
    revision: number,
  ): Descent {
    if (nonce === now.nonce) return { kind: "kept" };
    const line = this.#line(region, now);
    let floor = Number.POSITIVE_INFINITY;
    for (const { baseRevision, parentNonce } of line) {
      if (parentNonce === "") break;
      floor = Math.min(floor, baseRevision);
      if (parentNonce !== nonce) continue;
      if (revision <= floor) return { kind: "kept" };
      return { kind: "lost", why: `the region was restored to revision ${floor}` };
    }
    const known = counter || (this.#lives.get(region)?.get(nonce)?.counter ?? 0);
    if (known === 0 || known > now.counter) {
      return { kind: "unknown", why: `this gateway knows the region's incarnation ${now.counter}` };
    }
    // Whatever came before, what is above the lowest base is gone.
    if (revision > floor) {
      return { kind: "lost", why: `the region was restored to revision ${floor}` };
    }
    const oldest = line.at(-1) ?? now;
    // Counters fall on the way back, so that life would have been met by now.
    if (oldest.parentNonce === "" || known >= oldest.counter) {
      return { kind: "lost", why: `incarnation ${now.counter} doesn't come from that life` };
    }
    return { kind: "unknown", why: "this gateway doesn't know that far back" };
  }

  /** Drops what is known of a region that was removed for good. */
  forget(region: string): void {
    this.#lives.delete(region);
  }

  /** The life that a region is in and its ancestors, the nearest first, as far as they are known. */
  #line(region: string, now: Incarnation): Incarnation[] {
    const line = [now];
    const lives = this.#lives.get(region);
    for (let life = now; line.length <= MAX_LIVES_PER_REGION; ) {
      const parent = lives?.get(life.parentNonce);
      // A parent's counter is lower; what says otherwise leads nowhere.
      if (parent === undefined || parent.counter >= life.counter) break;
      line.push(parent);
      life = parent;
    }
    return line;
  }
}
