import { Machine } from "../world/machine.js";
import { Members } from "../world/members.js";
import type { PlantedBug } from "./planted-bug.js";

/** Entries of which some member takes one for another. */
const EVERY = 50;

/** Mistakes in what is done with committed entries. */
export const STATE_BUGS: readonly PlantedBug[] = [
  {
    name: "apply-differs",
    about: "the first member that applies an entry does something else than the others",
    breaks: /equal hash chains/,
    withinSeeds: 10,
    plant: (patch) => {
      const met = new Set<number>();
      patch.method(
        Machine.prototype,
        "apply",
        (original) =>
          function (this: Machine, entry) {
            const differs = entry.index % EVERY === 0 && !met.has(entry.index);
            met.add(entry.index);
            const other = { ...entry, data: new Uint8Array(0) };
            return original.call(this, differs ? other : entry);
          },
      );
    },
  },
  {
    name: "diverged-goes-on",
    about: "a member that finds its own state to be another one than the majority's goes on",
    breaks: /diverged members are found/,
    withinSeeds: 100,
    plant: (patch) => patch.method(Members.prototype, "stopSpoilt", () => () => {}),
  },
];
