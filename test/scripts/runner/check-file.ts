import { readFileSync, writeFileSync } from "node:fs";
import { errorText } from "../../../shared/errors.js";
import type { Difference } from "./compare.js";
import { checkStep, kindOf, runScript, type ScriptKind, type Step } from "./run-script.js";
import { parseScript, type Script } from "./script.js";

/** A difference, with its place in the file. */
export interface Finding extends Difference {
  readonly command: string;
}

/** What became of one file. */
export interface FileResult {
  readonly file: string;
  readonly kind: ScriptKind | null;
  readonly commands: number;
  readonly passed: boolean;
  /** The differences of the first command whose output is not the expected one. */
  readonly findings: readonly Finding[];
  /** Why the script could not be run; null if it could. */
  readonly error: string | null;
}

function findingsOf({ steps }: { readonly steps: readonly Step[] }): Finding[] {
  for (const step of steps) {
    const { command, expected } = step.directive;
    const differences = checkStep(step);
    // What follows would only tell of the consequences.
    if (differences.length > 0) {
      return differences.map((one) => ({ ...one, command, line: expected.firstLine + one.line }));
    }
  }
  return [];
}

function read(file: string): Script {
  return parseScript(file, readFileSync(file, "utf8"));
}

function failed(file: string, error: unknown): FileResult {
  return { file, kind: null, commands: 0, passed: false, findings: [], error: errorText(error) };
}

/** Runs one script and compares what it prints with what it is to print. */
export function checkFile(file: string): FileResult {
  let script: Script;
  try {
    script = read(file);
  } catch (error) {
    return failed(file, error);
  }
  const run = runScript(script);
  const findings = findingsOf(run);
  return {
    file,
    kind: kindOf(script),
    commands: script.directives.length,
    passed: run.error === null && findings.length === 0,
    findings,
    // A core that fell out of step may break later; the first difference tells more.
    error: findings.length === 0 ? run.error : null,
  };
}

/** Writes a step's actual output where its expected one stands. */
function replaceOutput(lines: string[], step: Step): void {
  const { expected } = step.directive;
  lines.splice(expected.firstLine - 1, expected.lines.length, ...step.actual);
}

/**
 * Runs one script and writes what it prints into the file, for each command that is to print
 * something of another meaning. What it prints has to be reviewed by someone who knows what is
 * right.
 */
export function rewriteFile(file: string): FileResult {
  let script: Script;
  try {
    script = read(file);
  } catch (error) {
    return failed(file, error);
  }
  const run = runScript(script);
  const changed = run.steps.filter((step) => checkStep(step).length > 0);
  const lines = [...script.lines];
  // From the end, so that the places of earlier outputs stay what they were.
  for (const step of changed.reverse()) replaceOutput(lines, step);
  if (changed.length > 0) writeFileSync(file, lines.join("\n"));
  const kind = kindOf(script);
  const commands = script.directives.length;
  return { file, kind, commands, passed: run.error === null, findings: [], error: run.error };
}
