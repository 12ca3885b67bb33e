import { errorText } from "../../../shared/errors.js";
import { compareOutputs, type Difference } from "./compare.js";
import { InteractionCommands } from "./interaction-commands.js";
import { MembershipCommands } from "./membership-commands.js";
import { parseOutput } from "./parse-output.js";
import { runQuorumCommand } from "./quorum-commands.js";
import type { Directive, Script } from "./script.js";

/** What a script is about; its first command tells. */
export type ScriptKind = "quorum" | "confchange" | "interaction";

const KINDS: Readonly<Record<string, ScriptKind>> = {
  committed: "quorum",
  vote: "quorum",
  simple: "confchange",
  "enter-joint": "confchange",
  "leave-joint": "confchange",
};

export function kindOf(script: Script): ScriptKind {
  return KINDS[script.directives[0]?.command ?? ""] ?? "interaction";
}

function commandsOf(kind: ScriptKind): (directive: Directive) => string[] {
  switch (kind) {
    case "quorum":
      return runQuorumCommand;
    case "confchange": {
      const commands = new MembershipCommands();
      return (directive) => commands.run(directive);
    }
    case "interaction": {
      const commands = new InteractionCommands();
      return (directive) => commands.run(directive);
    }
  }
}

/** One command and what it printed. */
export interface Step {
  readonly directive: Directive;
  readonly actual: readonly string[];
}

/** What became of a script. */
export interface Run {
  readonly steps: readonly Step[];
  /** Why the script could not be run further; null if it was run to its end. */
  readonly error: string | null;
}

/** Runs all commands of a script, whatever they print. */
export function runScript(script: Script): Run {
  const run = commandsOf(kindOf(script));
  const steps: Step[] = [];
  for (const directive of script.directives) {
    try {
      steps.push({ directive, actual: run(directive) });
    } catch (error) {
      const { file, line } = directive.place;
      const text = errorText(error);
      const placed = text.startsWith(`${file}:`) ? text : `${file}:${line}: ${text}`;
      return { steps, error: placed };
    }
  }
  return { steps, error: null };
}

/** How the expected and the actual output of a step differ in meaning. */
export function checkStep(step: Step, expected = step.directive.expected.lines): Difference[] {
  return compareOutputs(parseOutput(expected), parseOutput(step.actual));
}
