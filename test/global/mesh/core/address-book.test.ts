import { expect, test } from "vitest";
import { AddressBook } from "../../../../global/mesh/core/address-book.js";
import { Parents } from "../../../../global/mesh/core/parents.js";
import { Trees } from "../../../../global/mesh/core/trees.js";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `r${i}`);

function directoryOf(regions: readonly string[]): Map<string, string[]> {
  return new Map(regions.map((name) => [name, [`${name}:1`]]));
}

test("trees are found anew when regions come or go, not when gateways do", () => {
  const book = new AddressBook("r0", directoryOf(names(64)));
  const { trees } = book;
  const moved = directoryOf(names(64)).set("r1", ["r1:2", "r1:3"]);
  book.replace(moved);
  expect(book.of("r1")).toEqual(["r1:2", "r1:3"]);
  expect(book.trees).toBe(trees);
  book.replace(directoryOf(names(65)));
  expect(book.trees).not.toBe(trees);
  expect(book.trees.neighbours()).toEqual(new Trees("r0", names(65)).neighbours());
  book.replace(directoryOf(names(64).concat("other")));
  expect(book.trees.tells("other", "r0")).toBe(
    new Trees("r0", book.directory.keys()).tells("other", "r0"),
  );
});

test("an address that two regions are said to have counts for the first", () => {
  const book = new AddressBook(
    "a",
    new Map([
      ["b", ["x:1", "y:1"]],
      ["c", ["y:1", "z:1"]],
    ]),
  );
  expect(book.of("b")).toEqual(["x:1", "y:1"]);
  expect(book.of("c")).toEqual(["z:1"]);
  expect(book.of("nowhere")).toEqual([]);
});

test("remembered parents are those that the trees name, whoever fails and comes back", () => {
  const regions = names(100);
  const trees = new Trees("r7", regions);
  const parents = new Parents();
  const neighbours = trees.neighbours() ?? [];
  for (const down of [[], neighbours.slice(0, 3), neighbours, neighbours.slice(2, 5), []]) {
    const isUp = (region: string): boolean => !down.includes(region);
    parents.refresh(trees, isUp);
    for (const origin of regions) {
      expect(parents.of(origin)).toBe(trees.parent(origin, isUp));
      expect(parents.of(origin)).toBe(trees.parent(origin, isUp));
    }
  }
  const few = new Trees("r7", names(10));
  parents.refresh(few, () => true);
  expect(parents.of("r3")).toBe("r3");
});
