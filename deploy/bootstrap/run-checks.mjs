import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { ROOT } from "./prepare.mjs";

// buf looks for its plugins on the PATH, which only npm sets up by itself.
const ENVIRONMENT = {
  ...process.env,
  NO_COLOR: "1",
  PATH: `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
};

/** Runs each command, prints one line a command and the output of what failed. True when all passed. */
export function runAll(steps) {
  let good = true;
  for (const step of steps) {
    const start = performance.now();
    const done = spawnSync(step.command, step.args, {
      cwd: ROOT,
      encoding: "utf8",
      env: ENVIRONMENT,
    });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const passed = done.status === 0;
    process.stdout.write(
      `${passed ? "ok  " : "FAIL"}  ${step.name.padEnd(16)} ${seconds.padStart(5)} s\n`,
    );
    if (!passed) {
      good = false;
      process.stdout.write(
        `${done.error?.message ?? ""}${done.stdout ?? ""}${done.stderr ?? ""}\n`,
      );
    }
  }
  return good;
}
