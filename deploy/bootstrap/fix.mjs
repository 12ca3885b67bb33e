#!/usr/bin/env node
// `npm run fix`: regenerates code and rewrites what format and lint can mend.
import { FIXES } from "./checks.mjs";
import { runAll } from "./run-checks.mjs";

if (!runAll(FIXES)) process.exitCode = 1;
