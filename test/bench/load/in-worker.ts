import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { REPOSITORY_ROOT } from "../../peers/paths.js";
import type { LoadOptions, LoadResult } from "./generator.js";

const WORKER = join(REPOSITORY_ROOT, "dist/test/bench/load/load-worker.js");

/** Runs a load in a thread of its own. Rejects with what failed there. */
export function runLoadInWorker(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: options });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
