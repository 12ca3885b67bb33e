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
  const logger = createLogger(options.logLevel, { region: options.region, member: options.name });
  const broken = new AbortController();
  const removed = new AbortController();
  let server: RegionalServer;
  try {
    server = await RegionalServer.start(options, logger, {
      onFatal: (cause) => broken.abort(cause),
      onRemoved: () => removed.abort(),
    });
  } catch (error) {
    fail(error);
    return;
  }
  stopOnSignal(() => server.stop(), logger);
  whenAborted(broken.signal, () => void dieOf(broken.signal.reason, logger, server));
  whenAborted(removed.signal, () => void leave(options, logger, server));
}

function whenAborted(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}

/** Ends a member that was removed from its cluster: that is what was wanted, so with exit code 0. */
async function leave(
  { dataDir }: RegionalOptions,
  logger: Logger,
  server: RegionalServer,
): Promise<void> {
  logger.warn({ dataDir }, "removed from the cluster for good; the data directory can be deleted");
  await close(logger, server);
}

/** Ends the process with exit code 1 after closing what can be closed. */
async function dieOf(cause: unknown, logger: Logger, server: RegionalServer): Promise<void> {
  logger.fatal({ err: cause }, "can't go on");
  process.exitCode = 1;
  setTimeout(() => process.kill(process.pid, "SIGKILL"), FATAL_STOP_MS).unref();
  await close(logger, server);
}

async function close(logger: Logger, server: RegionalServer): Promise<void> {
  try {
    await server.stop();
  } catch (error) {
    logger.error({ err: error }, "the stop failed");
    process.exitCode = 1;
  }
  process.stdin.destroy();
}

const options = optionsOf(process.argv.slice(2));
if (options !== undefined) await run(options);
