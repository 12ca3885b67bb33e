#!/usr/bin/env node
// `npm run verify`: every static check, none of which writes into the source tree.
import { CHECKS } from "./checks.mjs";
import { prepare } from "./prepare.mjs";
import { runAll } from "./run-checks.mjs";

try {
  await prepare();
  if (!runAll(CHECKS)) {
    process.stdout.write("verify failed; `npm run fix` mends format, lint and generated code\n");
    process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
