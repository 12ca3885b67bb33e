import { errorText } from "../shared/errors.js";
import { stopOnSignal } from "../shared/lifecycle.js";
import { createLogger, type Logger } from "../shared/log.js";
import { HELP, parseRegionalOptions, type RegionalOptions } from "./member/options.js";
import { RegionalServer } from "./member/server.js";

/** Time that a member which can't go on gets to close what still can be closed. */
const FATAL_STOP_MS = 5_000;

function fail(error: unknown): void {
  process.stderr.write(`regional: ${errorText(error)}\n`);
  process.exitCode = 1;
}

function optionsOf(words: readonly string[]): RegionalOptions | undefined {
  try {
    const options = parseRegionalOptions(words, process.env);
    if (options === undefined) process.stdout.write(HELP);
    return options;
  } catch (error) {
    fail(error);
    return undefined;
  }
}

async function run(options: RegionalOptions): Promise<void> {
  const member = options.identity.self.name;
  const logger = createLogger(options.logLevel, { region: options.region, member });
  const broken = new AbortController();
  let server: RegionalServer;
  try {
    server = await RegionalServer.start(options, logger, (cause) => broken.abort(cause));
  } catch (error) {
    fail(error);
    return;
  }
  stopOnSignal(() => server.stop(), logger);
  const die = (): void => void dieOf(broken.signal.reason, logger, server);
  if (broken.signal.aborted) die();
  else broken.signal.addEventListener("abort", die);
}

/** Ends the process with exit code 1 after closing what can be closed. */
async function dieOf(cause: unknown, logger: Logger, server: RegionalServer): Promise<void> {
  logger.fatal({ err: cause }, "can't go on");
  process.exitCode = 1;
  setTimeout(() => process.kill(process.pid, "SIGKILL"), FATAL_STOP_MS).unref();
  try {
    await server.stop();
  } catch (error) {
    logger.error({ err: error }, "the stop failed");
  }
  process.stdin.destroy();
}

const options = optionsOf(process.argv.slice(2));
if (options !== undefined) await run(options);
