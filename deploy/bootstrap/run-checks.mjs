import { spawnSync } from "node:child_process";
import { ROOT } from "./prepare.mjs";

/** Runs each command, prints one line a command and the output of what failed. True when all passed. */
export function runAll(steps) {
  let good = true;
  for (const step of steps) {
    const start = performance.now();
    const done = spawnSync(step.command, step.args, {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
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
