import type { Logger } from "./log.js";

/** Set by a parent that wants its child to stop when the parent dies, by any means. */
export const STOP_WITH_PARENT = "ATOLL_STOP_WITH_PARENT";

/**
 * What node is started with for a member: room for short-lived objects, 32 MiB a half, so
 * that those of a call in flight die young. V8 takes it at the start only.
 */
export const MEMBER_NODE_OPTIONS: readonly string[] = ["--max-semi-space-size=32"];

/** Time after which a stop that hangs is cut short. */
const FORCED_EXIT_MS = 15_000;

/**
 * Runs `stop` once at the first SIGINT or SIGTERM, then lets the process end. Later
 * signals change nothing: they often arrive twice, from a terminal and from npm.
 * With STOP_WITH_PARENT in the environment, the end of standard input counts too:
 * the parent holds its other end, so even a parent killed by -9 leaves no orphan.
 */
export function stopOnSignal(stop: (reason: string) => Promise<void>, log?: Logger): void {
  let stopping = false;
  const begin = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log?.info({ reason }, "stopping");
    const forced = setTimeout(() => {
      log?.error({ afterMs: FORCED_EXIT_MS }, "the stop hangs; exiting");
      process.kill(process.pid, "SIGKILL");
    }, FORCED_EXIT_MS);
    forced.unref();
    stop(reason).then(
      () => process.stdin.destroy(),
      (error: unknown) => {
        log?.error({ err: error }, "the stop failed");
        process.exitCode = 1;
        process.stdin.destroy();
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => begin(signal));
  if (process.env[STOP_WITH_PARENT] === "1") {
    process.stdin.on("end", () => begin("the parent is gone"));
    process.stdin.on("error", () => begin("the parent is gone"));
    process.stdin.resume();
  }
}
