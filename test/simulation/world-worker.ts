import { parentPort } from "node:worker_threads";
import { findBug, withBug } from "./bugs/planted-bugs.js";
import { addWorld, noTotals } from "./totals.js";
import { runWorld } from "./world/run-world.js";

/** Seeds whose worlds a worker is to run. */
export interface WorldTask {
  readonly first: number;
  readonly last: number;
  readonly bug: string | null;
}

parentPort?.on("message", ({ first, last, bug }: WorldTask) => {
  const totals = noTotals();
  const planted = bug === null ? null : (findBug(bug) ?? null);
  withBug(planted, () => {
    for (let seed = first; seed <= last; seed++) addWorld(totals, runWorld(seed));
  });
  parentPort?.postMessage(totals);
});
