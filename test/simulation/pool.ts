import { Worker } from "node:worker_threads";
import { workerFile } from "../../shared/worker.js";
import { addTotals, noTotals, type Totals } from "./totals.js";
import type { WorldTask } from "./world-worker.js";

/** Worlds that a worker runs at a time. */
const WORLDS_A_TASK = 10;

/** Which worlds to run. */
export interface PoolOptions extends WorldTask {
  readonly workers: number;
  /** Called as worlds are done. */
  readonly progress?: (totals: Totals) => void;
}

/** Runs worlds in threads; what came of them is the same however many threads there are. */
export async function runWorlds(options: PoolOptions): Promise<Totals> {
  const { first, last, bug, workers, progress } = options;
  const totals = noTotals();
  let next = first;
  const takeTask = (): WorldTask | null => {
    if (next > last) return null;
    const task = { first: next, last: Math.min(next + WORLDS_A_TASK - 1, last), bug };
    next = task.last + 1;
    return task;
  };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const task = takeTask();
      if (task === null) {
        resolve();
        return;
      }
      const worker = new Worker(workerFile("./world-worker.js", import.meta.url));
      worker.on("error", reject);
      worker.on("exit", () => resolve());
      worker.on("message", (more: Totals) => {
        addTotals(totals, more);
        progress?.(totals);
        const another = takeTask();
        if (another === null) void worker.terminate();
        else worker.postMessage(another);
      });
      worker.postMessage(task);
    });
  await Promise.all(Array.from({ length: workers }, work));
  return totals;
}
