import { runAvailabilitySuite } from "./availability-suite.js";
import { runCompactSuite } from "./compact-suite.js";
import { runDigestSuite } from "./digest-suite.js";
import { formatFirstRead } from "./first-read-report.js";
import { runFirstReadSuite } from "./first-read-suite.js";
import { formatMesh } from "./mesh/mesh-report.js";
import { runMeshSuite } from "./mesh/mesh-suite.js";
import type { BenchOptions, Suite } from "./options.js";
import { runRedisSuite } from "./redis-suite.js";
import { runRegionalSuite } from "./regional-suite.js";
import {
  formatAvailability,
  formatCompact,
  formatDigest,
  formatRedis,
  formatRegional,
} from "./report.js";
import { formatStorage } from "./storage-report.js";
import { runStorageSuite } from "./storage-suite.js";
import { formatSubscribers } from "./subscribers-report.js";
import { runSubscribersSuite } from "./subscribers-suite.js";
import { formatConvergence } from "./wan/convergence-report.js";
import { runConvergenceSuite } from "./wan/convergence-suite.js";

/** One-way delays between the gateways, in ms: none, and about that of an ocean. */
const INJECTED_MS = [0, 75];
/** A push a second needs a longer load to be counted fairly. */
const COMPACT_LOADS = 10;
const MESH_REGIONS = [12];
const SIMULATED_REGIONS = [33, 1_000];

/** What a suite found, as it is and as a table. */
export interface SuiteResult {
  readonly rows: unknown;
  readonly text: string;
}

type Say = (text: string) => void;
type RunSuite = (options: BenchOptions, say: Say) => Promise<SuiteResult>;

const RUN: Readonly<Record<Suite, RunSuite>> = {
  region: async ({ rounds, seconds, inFlight }, say) => {
    const rows = await runRegionalSuite({ rounds, secondsALoad: seconds, inFlight }, say);
    return { rows, text: formatRegional(rows) };
  },
  digest: async (_, say) => {
    const rows = await runDigestSuite(INJECTED_MS, say);
    return { rows, text: formatDigest(rows) };
  },
  availability: async ({ kills }, say) => {
    const rows = await runAvailabilitySuite(kills, say);
    return { rows, text: formatAvailability(rows) };
  },
  redis: async ({ rounds, seconds }, say) => {
    const rows = await runRedisSuite(rounds, seconds, say);
    return { rows, text: formatRedis(rows) };
  },
  compact: async ({ seconds }, say) => {
    const rows = await runCompactSuite(COMPACT_LOADS * seconds, say);
    return { rows, text: formatCompact(rows) };
  },
  mesh: async ({ regions = MESH_REGIONS, rounds }, say) => {
    const rows = await runConvergenceSuite(regions, rounds, say);
    return { rows, text: formatConvergence(rows) };
  },
  "mesh-sim": async ({ regions = SIMULATED_REGIONS }, say) => {
    const rows = runMeshSuite(regions, say);
    return { rows, text: formatMesh(rows) };
  },
  subscribers: async (options, say) => {
    const rows = await runSubscribersSuite(options, say);
    return { rows, text: formatSubscribers(rows) };
  },
  "first-read": async ({ keys }, say) => {
    const rows = await runFirstReadSuite(keys, say);
    return { rows, text: formatFirstRead(rows) };
  },
  storage: async ({ seconds }, say) => {
    const rows = await runStorageSuite(seconds, say);
    return { rows, text: formatStorage(rows) };
  },
};

/** Runs one suite. */
export function runSuite(suite: Suite, options: BenchOptions, say: Say): Promise<SuiteResult> {
  return RUN[suite](options, say);
}
