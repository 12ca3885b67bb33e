import { readFileSync, writeFileSync } from "node:fs";
import { errorText } from "../../../shared/errors.js";
import type { Difference } from "./compare.js";
import { checkStep, kindOf, type Run, runScript, type ScriptKind } from "./run-script.js";
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

type Judgement = Pick<FileResult, "findings" | "error">;

function findingsOf({ steps }: Run): Finding[] {
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

/** Runs a script, or tells why it can't be read. */
function runFile(file: string, judge: (script: Script, run: Run) => Judgement): FileResult {
  try {
    const script = parseScript(file, readFileSync(file, "utf8"));
    const run = runScript(script);
    const { findings, error } = judge(script, run);
    return {
      file,
      kind: kindOf(script),
      commands: script.directives.length,
      passed: error === null && findings.length === 0,
      findings,
      error,
    };
  } catch (error) {
    return { file, kind: null, commands: 0, passed: false, findings: [], error: errorText(error) };
  }
}

/** Runs one script and compares what it prints with what it is to print. */
export function checkFile(file: string): FileResult {
  return runFile(file, (_, run) => {
    const findings = findingsOf(run);
    // A core that fell out of step may break later; the first difference tells more.
    return { findings, error: findings.length === 0 ? run.error : null };
  });
}

/**
 * Runs one script and writes what it prints into the file, for each command that is to print
 * something of another meaning. What it prints has to be reviewed by someone who knows what is
 * right.
 */
export function rewriteFile(file: string): FileResult {
  return runFile(file, (script, run) => {
    const changed = run.steps.filter((step) => checkStep(step).length > 0);
    const lines = [...script.lines];
    // From the end, so that the places of earlier outputs stay what they were.
    for (const { directive, actual } of changed.toReversed()) {
      const { firstLine, lines: before } = directive.expected;
      lines.splice(firstLine - 1, before.length, ...actual);
    }
    if (changed.length > 0) writeFileSync(file, lines.join("\n"));
    return { findings: [], error: run.error };
  });
}
