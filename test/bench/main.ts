import { Progress } from "../../deploy/terminal/progress.js";
import { errorText } from "../../shared/errors.js";
import { type BenchOptions, HELP, parseBenchOptions } from "./options.js";
import { runSuite } from "./suites.js";

async function run(options: BenchOptions): Promise<void> {
  const progress = new Progress(process.stderr);
  const results: Record<string, unknown> = {};
  for (const suite of options.suites) {
    const { rows, text } = await runSuite(suite, options, (step) => progress.step(step));
    results[suite] = rows;
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
