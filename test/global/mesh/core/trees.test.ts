import { expect, test } from "vitest";
import { Trees } from "../../../../global/mesh/core/trees.js";
import { MESH_DEPUTIES, MESH_DIRECT_REGIONS } from "../../../../shared/limits.js";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `r${i}`);
const allUp = (): boolean => true;

function treesOf(regions: readonly string[]): Map<string, Trees> {
  return new Map(regions.map((home) => [home, new Trees(home, regions)]));
}

function parentOf(trees: Map<string, Trees>, home: string, origin: string): string {
  return (trees.get(home) as Trees).parent(origin, allUp);
}

test("few regions fetch everything from its origin, and tell each other of all", () => {
  const regions = names(MESH_DIRECT_REGIONS);
  const trees = new Trees("r5", regions);
  for (const region of regions.filter((name) => name !== "r5")) {
    expect(trees.parent(region, allUp)).toBe(region);
    expect(trees.isDeputy(region)).toBe(true);
    expect(trees.tells(region, "r7")).toBe(true);
  }
  expect(trees.neighbours()).toBeUndefined();
});

test.each([65, 100, 1_000])("of %i regions each gets each origin in two steps at most", (count) => {
  const regions = names(count);
  const trees = treesOf(regions);
  for (const origin of regions.slice(0, 100)) {
    for (const home of regions) {
      if (home === origin) continue;
      const first = parentOf(trees, home, origin);
      if (first !== origin) expect(parentOf(trees, first, origin)).toBe(origin);
    }
  }
});

test.each([65, 1_000, 1_024])(
  "of %i regions none needs or serves more than a bounded number",
  (count) => {
    const regions = names(count);
    const trees = treesOf(regions);
    const side = Math.ceil(Math.sqrt(count));
    const served = new Map<string, number>();
    for (const home of regions) {
      const parents = new Set<string>();
      for (const origin of regions) {
        if (origin !== home) parents.add(parentOf(trees, home, origin));
      }
      // Its neighbours, and the far origins that fall to it: about one in `side` by chance.
      expect(parents.size).toBeLessThan(3.5 * side);
      for (const parent of parents) served.set(parent, (served.get(parent) ?? 0) + 1);
    }
    // The other neighbours, and one region of each other neighbourhood.
    for (const streams of served.values()) expect(streams).toBeLessThanOrEqual(2 * side - 2);
  },
);

test("the trees are the same whatever the order in which regions are known", () => {
  const regions = names(200);
  const other = new Trees("r17", [...regions].reverse());
  const trees = new Trees("r17", regions);
  for (const origin of regions)
    expect(other.parent(origin, allUp)).toBe(trees.parent(origin, allUp));
});

test("a head that fails loses its origins to others, which keep theirs", () => {
  const regions = names(400);
  const trees = new Trees("r17", regions);
  const before = new Map(regions.map((origin) => [origin, trees.parent(origin, allUp)]));
  const lost = [...before].find(([origin, parent]) => parent !== origin)?.[1] as string;
  let moved = 0;
  for (const [origin, parent] of before) {
    const after = trees.parent(origin, (region) => region !== lost);
    if (parent !== lost || origin === lost) expect(after).toBe(parent);
    else {
      expect(after).not.toBe(lost);
      moved++;
    }
  }
  expect(moved).toBeGreaterThan(5);
});

test("a region whose neighbours are all gone fetches everything itself", () => {
  const regions = names(100);
  const trees = new Trees("r17", regions);
  for (const origin of regions) expect(trees.parent(origin, () => false)).toBe(origin);
});

test("each region hears of each far origin from its deputies, and none from all", () => {
  const regions = names(400);
  const trees = treesOf(regions);
  const neighbours = trees.get("r17")?.neighbours() ?? [];
  expect(neighbours).toHaveLength(19);
  for (const origin of regions) {
    if (origin === "r17" || neighbours.includes(origin)) continue;
    const telling = neighbours.filter((name) => trees.get(name)?.tells("r17", origin) === true);
    const isDeputy = trees.get("r17")?.isDeputy(origin) === true;
    expect(telling).toHaveLength(isDeputy ? MESH_DEPUTIES - 1 : MESH_DEPUTIES);
  }
});

test("far regions tell of their own neighbourhood only; strangers and siblings hear all", () => {
  const regions = names(400);
  const trees = new Trees("r17", regions);
  const [near] = trees.neighbours() as [string];
  const far = regions.filter((name) => name !== "r17" && !trees.neighbours()?.includes(name));
  const [receiver, other] = far as [string, string];
  expect(trees.tells(receiver, "r17")).toBe(true);
  expect(trees.tells(receiver, near)).toBe(true);
  expect(trees.tells(receiver, other)).toBe(false);
  expect(trees.tells("r17", other)).toBe(true);
  expect(trees.tells("nobody-knows", other)).toBe(true);
});
