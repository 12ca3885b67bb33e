import { type HeldSection, World } from "./world.js";

/** A definition that counts the machines below a prefix. */
export const count = (name: string, prefix: string, more = ""): string =>
  `{name: ${name}, prefix: ${prefix}, measures: {n: count()}${more}}`;
/** One that counts them and sums their CPUs by app. */
export const byApp = (name: string, prefix: string): string =>
  `{name: ${name}, prefix: ${prefix}, groupBy: [value.app], measures: {n: count(), cpu: sum(value.cpu)}}`;

/** A section's groups with what their counts and sums hold, by key. */
export function groups(held: HeldSection | undefined): [string, unknown[]][] {
  return [...(held?.groups ?? [])]
    .map(([key, cells]): [string, unknown[]] => [
      key,
      cells.map((cell) =>
        "count" in cell ? cell.count : "scaled" in cell ? cell.scaled : undefined,
      ),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A machine's record. */
export const machine = (app: string, cpu = 1): string => JSON.stringify({ app, cpu });

/** A world of so many machines of the apps a and b. */
export function machines(count: number): World {
  const world = new World();
  for (let i = 0; i < count; i++) world.write(`/m/${i}`, machine(i % 2 === 0 ? "a" : "b"));
  return world;
}
