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

/** Ends the process with exit code 1 after closing what can be closed. */
function die(error: unknown, logger: Logger, server: RegionalServer | undefined): void {
  logger.fatal({ err: error }, "can't go on");
  process.exitCode = 1;
  setTimeout(() => process.kill(process.pid, "SIGKILL"), FATAL_STOP_MS).unref();
  server?.stop().then(
    () => process.stdin.destroy(),
    (failure: unknown) => {
      logger.error({ err: failure }, "the stop failed");
      process.stdin.destroy();
    },
  );
}

async function run(options: RegionalOptions): Promise<void> {
  const member = options.identity.self.name;
  const logger = createLogger(options.logLevel, { region: options.region, member });
  let server: RegionalServer | undefined;
  try {
    server = await RegionalServer.start(options, logger, (error) => die(error, logger, server));
    const running = server;
    stopOnSignal(() => running.stop(), logger);
  } catch (error) {
    fail(error);
  }
}

const options = optionsOf(process.argv.slice(2));
if (options !== undefined) await run(options);
