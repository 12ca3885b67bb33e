import { spawn } from "node:child_process";
import { join } from "node:path";

/**
 * `npm test`: runs every test with vitest, or only those that the words after `--`
 * select, in vitest's own way (`npm test -- test/regional/raft`).
 */
const vitest = join(process.cwd(), "node_modules/vitest/vitest.mjs");
const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
