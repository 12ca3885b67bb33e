import { errorText } from "../../../shared/errors.js";
import { CLASSES } from "./classes.js";
import { FuzzWorld } from "./fuzz-world.js";

/** One attack that was made. */
export interface Attacked {
  readonly name: string;
  readonly seed: number;
  /** What it did, for people. */
  readonly what: string;
  readonly tookMs: number;
  /** What was hurt, with the command that attacks so again; undefined when nothing was. */
  readonly hurt: string | undefined;
}

/**
 * Attacks one world with each of the classes by each of the seeds; a world that was hurt is
 * given up for a new one.
 */
export async function* fuzz(
  classes: readonly string[],
  first: number,
  last: number,
): AsyncGenerator<Attacked> {
  let world = await FuzzWorld.start();
  try {
    for (let seed = first; seed <= last; seed++) {
      for (const name of classes) {
        const attacked = await attack(world, name, seed);
        yield attacked;
        if (attacked.hurt === undefined) continue;
        await world.stop();
        world = await FuzzWorld.start();
      }
    }
  } finally {
    await world.stop();
  }
}

/** Attacks a world once. */
export async function attack(world: FuzzWorld, name: string, seed: number): Promise<Attacked> {
  const attackClass = CLASSES.get(name);
  if (attackClass === undefined) throw new Error(`there is no class ${name}`);
  const began = performance.now();
  let what = "";
  let hurt: string | undefined;
  try {
    await world.run(attackClass, seedOf(name, seed), (text) => {
      what = text;
    });
  } catch (error) {
    hurt = `${errorText(error)}\n  again: npm run fuzz -- --class ${name} --seed ${seed}`;
  }
  return { name, seed, what, tookMs: performance.now() - began, hurt };
}

/** Kinds of attacks should not all draw the same numbers from one seed. */
function seedOf(name: string, seed: number): number {
  let mixed = seed;
  for (const unit of name) mixed = (mixed * 31 + unit.charCodeAt(0)) % 2 ** 32;
  return mixed;
}
