import { errorText } from "../shared/errors.js";
import { stopOnSignal } from "../shared/lifecycle.js";
import { createLogger } from "../shared/log.js";
import { HELP, parseGatewayOptions } from "./gateway/options.js";
import { Gateway } from "./gateway.js";

/** The program `global`: a region's gateway. */
async function run(words: readonly string[]): Promise<void> {
  const options = parseGatewayOptions(words, process.env);
  if (options === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const log = createLogger(options.logLevel, { region: options.region, gateway: options.name });
  const gateway = new Gateway(options, log);
  await gateway.start();
  stopOnSignal(() => gateway.stop(), log);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`global: ${errorText(error)}\n`);
  process.exitCode = 1;
}
