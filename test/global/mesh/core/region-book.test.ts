import { expect, test } from "vitest";
import { GlobalState } from "../../../../global/digest/global-state.js";
import { RegionBook } from "../../../../global/mesh/core/region-book.js";
import { FreshnessBook } from "../../../../global/view/freshness-book.js";
import { sha256 } from "../../../../shared/hash.js";

/** Which way a region's news are said to come by. */

const INCARNATION = { counter: 1, nonce: "ab".repeat(16), baseRevision: 0, parentNonce: "" };

/** A stream on which news come. */
class Feed {
  healthy = true;

  isHealthy(): boolean {
    return this.healthy;
  }
}

function begin() {
  const state = new GlobalState(sha256);
  const book = new RegionBook(state, new FreshnessBook(state), () => undefined);
  const feeds = new Map<string, Feed>();
  const feed = (by: string): Feed => {
    const known = feeds.get(by) ?? new Feed();
    feeds.set(by, known);
    return known;
  };
  return {
    book,
    feed,
    /** A peer tells how far it is with `away`, and pushes that or only mentions it. */
    tells: (by: string, asOfMs: number, isAside: boolean) => {
      const path = by === "away" ? ["home", "away"] : ["home", by, "away"];
      const standing = { region: "away", incarnation: INCARNATION, revision: 1, sections: 0 };
      book.sight({ ...standing, asOfMs, path, from: feed(by), isAside });
    },
    way: () => book.path("away", 1_000).join(">"),
  };
}

test("who only mentions news is no way for them while another pushes them", () => {
  const { tells, way, book } = begin();
  tells("away", 100, false);
  tells("third", 200, true);
  expect(way()).toBe("home>away");
  // What it says counts for the age all the same.
  expect(book.ageMs("away", 1_000)).toBeLessThan(850);
});

test("who mentions them will do where nobody pushes them, until somebody does", () => {
  const { tells, way, feed, book } = begin();
  tells("away", 100, false);
  feed("away").healthy = false;
  book.dropBrokenWays({ monotonicMs: 1_000, ageMs: 1_000 });
  tells("third", 200, true);
  expect(way()).toBe("home>third>away");
  tells("fourth", 300, false);
  expect(way()).toBe("home>fourth>away");
  tells("away", 250, false);
  expect(way()).toBe("home>fourth>away");
  tells("away", 300, false);
  expect(way()).toBe("home>away");
});
