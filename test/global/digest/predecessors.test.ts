import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GlobalState } from "../../../global/digest/global-state.js";
import { RETIRED, type Schema } from "../../../global/digest/section.js";
import { changes, forget, incarnation, newState, OTHER_SCHEMA, SCHEMA, version } from "./model.js";

const SUMMARY = "machines";
const REGIONS = ["us-east", "eu-west", "ap-south"] as const;
type Region = (typeof REGIONS)[number];

/** Publishes at a revision of its own, so that each call moves the section. */
function publish(
  state: GlobalState,
  region: Region,
  revision: number,
  schema: Schema,
  counter = 1,
): void {
  const outcome = state.publish({
    id: { region, summary: SUMMARY },
    to: version(revision, { incarnation: incarnation(counter), definition: revision }),
    from: undefined,
    schema,
    changes: schema.retired ? new Map() : changes({ a: revision }),
  });
  expect(outcome.kind).toBe("applied");
}

function previous(state: GlobalState, region: Region): number | undefined {
  return state.region(region)?.previous(SUMMARY)?.version.definition;
}

describe("the last section of the definition before", () => {
  test("is kept until all regions agree", () => {
    const state = newState();
    publish(state, "us-east", 2, SCHEMA);
    publish(state, "eu-west", 2, SCHEMA);
    publish(state, "us-east", 3, OTHER_SCHEMA);
    expect(previous(state, "us-east")).toBe(2);
    publish(state, "eu-west", 4, OTHER_SCHEMA);
    for (const region of REGIONS) expect(previous(state, region)).toBeUndefined();
  });

  test("is let go of when the region that differs is removed for good", () => {
    const state = newState();
    publish(state, "us-east", 2, SCHEMA);
    publish(state, "eu-west", 2, SCHEMA);
    publish(state, "us-east", 3, OTHER_SCHEMA);
    expect(state.obey(forget("eu-west", 1))).toBe("news");
    expect(previous(state, "us-east")).toBeUndefined();
  });

  test("is what a plain account of all regions says, whatever they do", () => {
    const schemas: readonly Schema[] = [SCHEMA, OTHER_SCHEMA, RETIRED];
    const step = fc.record({
      region: fc.constantFrom(...REGIONS),
      schema: fc.constantFrom(...schemas),
      begins: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const state = newState();
        const lives = new Map<Region, number>(REGIONS.map((region) => [region, 1]));
        const held = new Map<Region, { readonly schema: Schema; readonly revision: number }>();
        const kept = new Map<Region, number>();
        steps.forEach(({ region, schema, begins }, index) => {
          const revision = index + 1;
          if (begins) {
            lives.set(region, (lives.get(region) ?? 0) + 1);
            held.delete(region);
            kept.delete(region);
          }
          publish(state, region, revision, schema, lives.get(region));
          const before = held.get(region);
          held.set(region, { schema, revision });
          if (schema.retired) kept.delete(region);
          else if (before !== undefined && before.schema !== schema && !before.schema.retired) {
            kept.set(region, before.revision);
          }
          const published = [...held.values()].filter((section) => !section.schema.retired);
          if (new Set(published.map((section) => section.schema)).size <= 1) kept.clear();
          for (const each of REGIONS) expect(previous(state, each)).toBe(kept.get(each));
        });
      }),
    );
  });
});
