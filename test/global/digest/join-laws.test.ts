import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GlobalState } from "../../../global/digest/global-state.js";
import { sha256 } from "../../../shared/hash.js";
import { arbitraryStep, digest, History, incarnation, joined, pull, type Step } from "./model.js";

/** A world: histories of a few regions, of one or two lives each. */
interface World {
  readonly histories: readonly History[];
}

const world: fc.Arbitrary<World> = fc
  .tuple(
    fc.array(arbitraryStep, { minLength: 1, maxLength: 12 }),
    fc.array(arbitraryStep, { minLength: 1, maxLength: 12 }),
    fc.array(arbitraryStep, { minLength: 1, maxLength: 6 }),
    fc.array(arbitraryStep, { minLength: 1, maxLength: 6 }),
  )
  .map(([one, two, restored, redefined]) => ({
    histories: [
      history(new History("eu-west"), one),
      history(new History("us-east"), two),
      history(new History("us-east", { incarnation: incarnation(2, "b") }), restored),
      history(new History("eu-west", { definition: 3 }), redefined, 3),
    ],
  }));

/** The steps as a history; `idle` steps come first. */
function history(result: History, steps: readonly Step[], idle = 0): History {
  for (let i = 0; i < idle; i++) result.step({});
  for (const step of steps) result.step(step);
  return result;
}

/** Some of the transfers that the world's regions may have sent, in any order, any number of times. */
const told = fc.array(
  fc.record({ history: fc.nat(), from: fc.nat(), to: fc.nat(), whole: fc.boolean() }),
  { maxLength: 30 },
);

type Told = typeof told extends fc.Arbitrary<infer T> ? T : never;

function tell(state: GlobalState, { histories }: World, picks: Told): void {
  for (const pick of picks) {
    const source = histories[pick.history % histories.length] as History;
    const low = source.version(0).definition;
    const to = low + (pick.to % (source.last - low + 1));
    const from = low + (pick.from % (source.last - low + 1));
    state.receive(pick.whole || from >= to ? source.whole(to) : source.delta(from, to));
  }
}

function stateOf(given: World, picks: Told): GlobalState {
  const state = new GlobalState(sha256);
  tell(state, given, picks);
  return state;
}

describe("the join of states", () => {
  test("is commutative, associative and idempotent", () => {
    fc.assert(
      fc.property(world, told, told, told, (given, a, b, c) => {
        const [one, two, three] = [a, b, c].map((picks) => stateOf(given, picks)) as [
          GlobalState,
          GlobalState,
          GlobalState,
        ];
        expect(digest(joined(one, two))).toEqual(digest(joined(two, one)));
        expect(digest(joined(one, one))).toEqual(digest(one));
        expect(digest(joined(joined(one, two), three))).toEqual(
          digest(joined(one, joined(two, three))),
        );
        expect(digest(joined(one, two, one, two))).toEqual(digest(joined(one, two)));
      }),
    );
  });

  test("never loses: a state holds at least what each of its parts held", () => {
    fc.assert(
      fc.property(world, told, told, (given, a, b) => {
        const [one, two] = [stateOf(given, a), stateOf(given, b)];
        const both = joined(one, two);
        for (const part of [one, two]) {
          for (const claim of part.claims()) expect(both.judge(claim)).not.toBe("newer");
        }
      }),
    );
  });

  test("gives exactly the region's own content, whatever was told, lost, repeated or relayed", () => {
    fc.assert(
      fc.property(world, fc.array(told, { minLength: 3, maxLength: 3 }), (given, picks) => {
        const holders = picks.map((own) => stateOf(given, own));
        for (const holder of holders) {
          for (const { id, version, root } of holder.claims()) {
            const source = given.histories.find(
              (one) =>
                one.region === id.region &&
                one.version(0).definition === version.definition &&
                one.version(0).incarnation.nonce === version.incarnation.nonce,
            );
            expect(root).toBe(source?.section(version.revision).root);
          }
        }
      }),
    );
  });

  test("converges: after each has pulled from each, all are equal and as new as the newest", () => {
    const operations = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("publish" as const), region: fc.nat(1) }),
        fc.record({ kind: fc.constant("pull" as const), into: fc.nat(3), from: fc.nat(3) }),
        fc.record({ kind: fc.constant("restart" as const), holder: fc.nat(3) }),
      ),
      { maxLength: 60 },
    );
    const steps = fc.array(arbitraryStep, { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(operations, steps, (played, script) => {
        const regions = [new History("eu-west"), new History("us-east")] as const;
        const holders = Array.from({ length: 4 }, () => new GlobalState(sha256));
        const published = [undefined, undefined] as (number | undefined)[];
        const publish = (region: number): void => {
          const source = regions[region] as History;
          source.step(script[source.last - 2] ?? {});
          // Holders 0 and 1 are the regions' own gateways.
          const outcome = holders[region]?.publish(
            source.publication(published[region], source.last),
          );
          expect(outcome?.kind).toBe("applied");
          published[region] = source.last;
        };
        for (const operation of played) {
          if (operation.kind === "publish") publish(operation.region);
          else if (operation.kind === "restart") {
            holders[operation.holder] = new GlobalState(sha256);
            if (operation.holder < 2) published[operation.holder] = undefined;
          } else {
            pull(holders[operation.into] as GlobalState, holders[operation.from] as GlobalState);
          }
        }
        for (const region of [0, 1]) publish(region);
        for (let round = 0; round < 2; round++) {
          for (const into of holders) for (const from of holders) pull(into, from);
        }
        for (const holder of holders) {
          expect(digest(holder)).toEqual(digest(holders[0] as GlobalState));
          for (const source of regions) {
            expect(holder.section(source.id)?.root).toBe(source.section(source.last).root);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
