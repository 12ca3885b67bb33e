import { CORE_BUGS } from "./core-bugs.js";
import { DRIVER_BUGS } from "./driver-bugs.js";
import { Patch } from "./patch.js";
import type { PlantedBug } from "./planted-bug.js";
import { STATE_BUGS } from "./state-bugs.js";

/** All mistakes that can be planted; none of them is in the code that they are planted into. */
export const PLANTED_BUGS: readonly PlantedBug[] = [...CORE_BUGS, ...DRIVER_BUGS, ...STATE_BUGS];

/** The mistake of a name; undefined if there is none. */
export function findBug(name: string): PlantedBug | undefined {
  return PLANTED_BUGS.find((bug) => bug.name === name);
}

/** Runs something with a mistake planted; null: with none. */
export function withBug<T>(bug: PlantedBug | null, run: () => T): T {
  const patch = new Patch();
  try {
    bug?.plant(patch);
    return run();
  } finally {
    patch.undo();
  }
}
