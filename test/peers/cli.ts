import { join } from "node:path";
import { type ExecResult, exec } from "./exec.js";
import { REPOSITORY_ROOT } from "./paths.js";

const PROGRAM = join(REPOSITORY_ROOT, "dist", "deploy", "cli", "main.js");

/** Runs the command line on a topology. */
export function atoll(topologyFile: string, ...words: readonly string[]): Promise<ExecResult> {
  return exec(process.execPath, [PROGRAM, ...words, "--topology", topologyFile]);
}
