import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GlobalState } from "../../../global/digest/global-state.js";
import type { RegionHoldings } from "../../../global/digest/region-register.js";
import {
  adopt,
  arbitraryStep,
  digest,
  forget,
  History,
  incarnation,
  newState,
  type Step,
  usEast,
  wordOf,
} from "../digest/model.js";
import { Keeping, MemoryDisk, timeAt } from "./memory-disk.js";

const REGIONS = ["eu-west", "us-east"] as const;

type Action =
  | { readonly kind: "step"; readonly region: 0 | 1; readonly step: Step }
  /** Delivers a region's news to the state: as a delta from what it has, or whole. */
  | { readonly kind: "deliver"; readonly region: 0 | 1; readonly whole: boolean }
  | { readonly kind: "save"; readonly crashAfter: number | undefined };

const region = fc.constantFrom(0 as const, 1 as const);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("step" as const), region, step: arbitraryStep }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("deliver" as const), region, whole: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("save" as const),
      crashAfter: fc.option(fc.nat(2), { nil: undefined, freq: 3 }),
    }),
  },
);

/** All that a state can tell others: what it holds, and which deltas from where. */
function tellable(state: GlobalState): unknown {
  return [...state.holdings()]
    .sort((a: RegionHoldings, b: RegionHoldings) => (a.region < b.region ? -1 : 1))
    .map(({ region: name, held }) =>
      [...held].map(([summary, { section, floor }]) => {
        const deltas: unknown[] = [];
        for (let revision = 1; revision < section.version.revision; revision++) {
          const told = state.transferSince(section.id, { ...section.version, revision });
          deltas.push([revision, told?.kind, new Map(told?.changes)]);
        }
        return { name, summary, floor, deltas };
      }),
    );
}

interface Played {
  readonly keeping: Keeping;
  readonly disk: MemoryDisk;
  /** Every state that a section was in. */
  readonly roots: ReadonlySet<string>;
  readonly histories: readonly History[];
}

function play(actions: readonly Action[]): Played {
  const histories = REGIONS.map((name) => new History(name));
  const keeping = new Keeping(newState());
  const disk = new MemoryDisk();
  const roots = new Set<string>();
  for (const { step } of [{ step: { a: 1 } }, { step: { b: 2 } }])
    for (const history of histories) history.step(step);
  let ms = 0;
  for (const act of actions) {
    ms += 700;
    if (act.kind === "save") {
      disk.save(keeping.keeper, timeAt(ms), act.crashAfter);
      continue;
    }
    const history = histories[act.region] as History;
    if (act.kind === "step") {
      history.step(act.step);
      continue;
    }
    const have = keeping.state.have(history.id);
    const isWhole = act.whole || have === undefined;
    keeping.state.receive(
      isWhole ? history.whole(history.last) : history.delta(have.revision, history.last),
    );
    const { incarnation: life } = history.version(history.last);
    keeping.freshness.confirm({
      region: history.region,
      incarnation: life,
      revision: history.last,
      asOfMs: ms - 100,
    });
    const section = keeping.state.section(history.id);
    roots.add(`${history.region} ${section?.version.revision} ${section?.root}`);
  }
  return { keeping, disk, roots, histories };
}

describe("a view and its rows", () => {
  test("what is saved is taken back: content, floors, tombstones, ages", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const { keeping, disk } = play(actions);
        disk.save(keeping.keeper, timeAt(100_000));
        const back = new Keeping(newState());
        const { dropped } = back.restore(disk.rows, timeAt(103_000));
        expect(dropped).toEqual([]);
        expect(digest(back.state)).toEqual(digest(keeping.state));
        expect(tellable(back.state)).toEqual(tellable(keeping.state));
        for (const { id } of keeping.state.claims()) {
          const [before, after] = [keeping.state.section(id), back.state.section(id)];
          const asOf = before && keeping.freshness.asOf(before);
          // Ages go on, and are never smaller than they were.
          if (asOf === undefined) continue;
          const restored = after && back.freshness.asOf(after);
          expect(restored).toBeLessThanOrEqual(asOf);
          expect(restored).toBeGreaterThan(asOf - 1_100);
        }
        // Nothing is new to a disk that is as the state is.
        const commits = disk.commits.length;
        disk.save(back.keeper, timeAt(103_000));
        expect(disk.commits).toHaveLength(commits);
      }),
      { numRuns: 60 },
    );
  });

  test("whatever was committed when it crashed, each section is as it was at some time", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const { disk, roots } = play(actions);
        for (const rows of disk.commits) {
          const back = new Keeping(newState());
          const { dropped } = back.restore(rows, timeAt(200_000));
          expect(dropped).toEqual([]);
          for (const { id, version, root } of back.state.claims()) {
            expect(roots).toContain(`${id.region} ${version.revision} ${root}`);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a state that was taken back goes on, and so do its rows", () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 20 }),
        fc.array(arbitraryStep, { minLength: 1, maxLength: 5 }),
        (actions, steps) => {
          const { histories, disk } = play([...actions, { kind: "save", crashAfter: undefined }]);
          const back = new Keeping(newState());
          back.restore(disk.rows, timeAt(100_000));
          for (const history of histories) {
            const have = back.state.have(history.id);
            if (have === undefined) continue;
            for (const step of steps) history.step(step);
            const { kind } = back.state.receive(history.delta(have.revision, history.last));
            expect(kind).toBe("applied");
          }
          disk.save(back.keeper, timeAt(110_000));
          const again = new Keeping(newState());
          expect(again.restore(disk.rows, timeAt(120_000)).dropped).toEqual([]);
          expect(tellable(again.state)).toEqual(tellable(back.state));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what is kept besides sections", () => {
  test("orders stand for good: a forgotten region stays forgotten", () => {
    const keeping = new Keeping(newState());
    const disk = new MemoryDisk();
    const history = usEast();
    keeping.state.receive(history.whole(history.last));
    disk.save(keeping.keeper, timeAt(1_000));
    keeping.state.obey(forget("us-east", 3));
    keeping.state.obey(adopt("eu-west", incarnation(4)));
    disk.save(keeping.keeper, timeAt(2_000));
    const back = new Keeping(newState());
    const restored = back.restore(disk.rows, timeAt(3_000));
    expect(restored).toMatchObject({ sections: 0, dropped: [] });
    expect(back.state.forgotten).toEqual(new Map([["us-east", 3]]));
    expect(back.state.adopted("eu-west")).toEqual(adopt("eu-west", incarnation(4)));
    expect(back.state.receive(history.whole(history.last)).kind).toBe("refused");
    // Its rows are gone but for the order's.
    expect(disk.rows.size).toBe(2);
  });

  test("a crash between an order and the removal of its region's rows changes nothing", () => {
    const keeping = new Keeping(newState());
    const disk = new MemoryDisk();
    const history = usEast();
    keeping.state.receive(history.whole(history.last));
    disk.save(keeping.keeper, timeAt(1_000));
    const [held] = [disk.rows];
    const ordered = new Keeping(newState());
    const orders = new MemoryDisk();
    ordered.state.obey(forget("us-east", 1));
    orders.save(ordered.keeper, timeAt(1_500));
    const back = new Keeping(newState());
    const restored = back.restore(new Map([...held, ...orders.rows]), timeAt(2_000));
    expect(restored.dropped).toEqual([]);
    expect([...back.state.regions()]).toEqual([]);
  });

  test("a conflict and its proof, a source's place, and the newest confirmation", () => {
    const keeping = new Keeping(newState());
    const history = usEast();
    const other = usEast({ incarnation: incarnation(1, "b") });
    keeping.state.receive(history.whole(history.last));
    const { incarnation: life } = history.version(history.last);
    const asOf = { region: "us-east", incarnation: life, revision: history.last, asOfMs: 500 };
    keeping.freshness.confirm(asOf);
    keeping.state.witness(wordOf(other));
    keeping.source = {
      incarnation: incarnation(2, "c"),
      revision: 77,
      lineage: { counter: 5, nonce: "0123456789abcdef", revision: 70 },
    };
    const disk = new MemoryDisk();
    disk.save(keeping.keeper, timeAt(1_000));
    const back = new Keeping(newState());
    const restored = back.restore(disk.rows, timeAt(2_000));
    expect(restored.source).toEqual(keeping.source);
    expect(back.state.region("us-east")?.nonces).toHaveLength(2);
    expect([...back.state.words.evidence()]).toHaveLength(2);
    expect(back.freshness.newest("us-east")).toMatchObject({ revision: history.last, asOfMs: 490 });
  });

  test("after the machine was started anew ages are unknown, never 0", () => {
    const keeping = new Keeping(newState());
    const history = usEast();
    keeping.state.receive(history.whole(history.last));
    const { incarnation: life } = history.version(history.last);
    keeping.freshness.confirm({
      region: "us-east",
      incarnation: life,
      revision: history.last,
      asOfMs: 999,
    });
    const disk = new MemoryDisk();
    disk.save(keeping.keeper, timeAt(1_000));
    const back = new Keeping(newState());
    back.restore(disk.rows, timeAt(5_000, "boot-2"));
    const section = back.state.section(history.id);
    expect(section).toBeDefined();
    expect(section && back.freshness.asOf(section)).toBeUndefined();
    expect(back.freshness.newest("us-east")).toBeUndefined();
  });
});
