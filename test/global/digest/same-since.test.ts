import { beforeEach, describe, expect, test } from "vitest";
import type { GlobalState } from "../../../global/digest/global-state.js";
import { forged, History, holding } from "./model.js";

/**
 * Since when a section has had its groups, as far as its holder knows: what consumers'
 * tokens go by.
 */

let history: History;
let state: GlobalState;

/** a=1 at 3, b=2 at 4, b=9 at 5, b=2 at 6, nothing at 7. */
beforeEach(() => {
  history = new History("us-east");
  for (const step of [{ a: 1 }, { b: 2 }, { b: 9 }, { b: 2 }, {}]) history.step(step);
  state = holding(history.whole(4));
});

const sameSince = (): number | undefined => state.section(history.id)?.sameSince;

describe("a section's groups are the same", () => {
  test("since it is held, and by deltas since the last one that touches any", () => {
    expect(sameSince()).toBe(4);
    for (const [from, since] of [
      [4, 5],
      [5, 6],
      [6, 6],
    ] as const) {
      state.receive(history.delta(from, from + 1));
      expect(sameSince()).toBe(since);
    }
  });

  test.each(["whole", "publication"] as const)("since they were, when a %s has them", (how) => {
    const hear = (revision: number): unknown =>
      how === "whole"
        ? state.receive(history.whole(revision))
        : state.publish(history.publication(undefined, revision));
    expect(hear(6)).toMatchObject({ kind: "applied" });
    expect(sameSince()).toBe(4);
    history.step({ b: 3 });
    hear(8);
    expect(sameSince()).toBe(8);
  });

  test.each(["whole", "publication"] as const)(
    "since a %s, where something was wrong before",
    (how) => {
      state.receive(forged(history.delta(4, 5)));
      expect(state.region("us-east")?.fault("machines")).toBeDefined();
      if (how === "whole") state.receive(history.whole(6));
      else state.publish(history.publication(undefined, 6));
      expect(sameSince()).toBe(6);
    },
  );

  test("since a definition's first section, though the one before had the same", () => {
    const next = new History("us-east", { definition: 3 });
    for (const step of [{ a: 1 }, { b: 2 }, {}]) next.step(step);
    expect(state.receive(next.whole(5))).toMatchObject({ kind: "applied" });
    expect(sameSince()).toBe(5);
  });
});
