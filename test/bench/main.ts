import { Progress } from "../../deploy/terminal/progress.js";
import { errorText } from "../../shared/errors.js";
import { runAvailabilitySuite } from "./availability-suite.js";
import { runCompactSuite } from "./compact-suite.js";
import { runDigestSuite } from "./digest-suite.js";
import { formatMesh } from "./mesh/mesh-report.js";
import { runMeshSuite } from "./mesh/mesh-suite.js";
import { type BenchOptions, HELP, parseBenchOptions } from "./options.js";
import { runRedisSuite } from "./redis-suite.js";
import { runRegionalSuite } from "./regional-suite.js";
import {
  formatAvailability,
  formatCompact,
  formatDigest,
  formatRedis,
  formatRegional,
} from "./report.js";
import { formatSubscribers } from "./subscribers-report.js";
import { runSubscribersSuite } from "./subscribers-suite.js";

/** One-way delays between the gateways, in ms: none, and about that of an ocean. */
const INJECTED_MS = [0, 75];
/** A push a second needs a longer load to be counted fairly. */
const COMPACT_LOADS = 10;

async function run(options: BenchOptions): Promise<void> {
  const progress = new Progress(process.stderr);
  const say = (text: string): void => progress.step(text);
  const results: Record<string, unknown> = {};
  for (const suite of options.suites) {
    let text: string;
    if (suite === "region") {
      const rows = await runRegionalSuite(
        { rounds: options.rounds, secondsALoad: options.seconds, inFlight: options.inFlight },
        say,
      );
      results[suite] = rows;
      text = formatRegional(rows);
    } else if (suite === "availability") {
      const rows = await runAvailabilitySuite(options.kills, say);
      results[suite] = rows;
      text = formatAvailability(rows);
    } else if (suite === "redis") {
      const rows = await runRedisSuite(options.rounds, options.seconds, say);
      results[suite] = rows;
      text = formatRedis(rows);
    } else if (suite === "compact") {
      const rows = await runCompactSuite(COMPACT_LOADS * options.seconds, say);
      results[suite] = rows;
      text = formatCompact(rows);
    } else if (suite === "mesh-sim") {
      const rows = runMeshSuite(options.regions, say);
      results[suite] = rows;
      text = formatMesh(rows);
    } else if (suite === "subscribers") {
      const rows = await runSubscribersSuite(options, say);
      results[suite] = rows;
      text = formatSubscribers(rows);
    } else {
      const rows = await runDigestSuite(INJECTED_MS, say);
      results[suite] = rows;
      text = formatDigest(rows);
    }
    progress.clear();
    if (!options.json) process.stdout.write(`${text}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
}

try {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else await run(options);
} catch (error) {
  process.stderr.write(`bench: ${errorText(error)}\n`);
  process.exitCode = 1;
}
