import { parentPort, workerData } from "node:worker_threads";
import { type LoadOptions, runLoad } from "./generator.js";

/** Runs one load in a thread of its own, so that it shares no event loop with anything. */
parentPort?.postMessage(await runLoad(workerData as LoadOptions));
