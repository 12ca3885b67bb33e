import { Command, CommanderError, Option } from "commander";
import { errorText } from "../../../shared/errors.js";
import { checkFile, type FileResult, rewriteFile } from "./check-file.js";
import { etcdScripts, findScripts, OWN_SCRIPTS } from "./find-scripts.js";
import { describeResult, describeTotals } from "./report.js";

/** Where the command prints, and the environment that it reads. */
export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

interface Options {
  readonly output: "text" | "json";
  readonly rewrite: boolean;
}

const PASSED = 0;
const FAILED = 1;
const WRONG_USE = 2;

const EXAMPLES = `
Without DIR: the scripts of etcd-io/raft in $RAFT_TESTDATA, else in ../shared/raft-testdata
if that is there, and the project's own in test/scripts.

Examples:
  npm run raft:scripts
  npm run raft:scripts -- ../shared/raft-testdata/quorum test/scripts/interaction
  npm run -s raft:scripts -- -o json test/scripts
`;

function foldersOf(named: readonly string[], { environment, complain }: Surroundings) {
  if (named.length > 0) return named;
  const { folders, notice } = etcdScripts(environment);
  if (notice !== null) complain(`${notice}\n`);
  return [...folders, OWN_SCRIPTS];
}

function run(named: readonly string[], options: Options, surroundings: Surroundings): number {
  const { print } = surroundings;
  const text = options.output === "text";
  const results: FileResult[] = [];
  for (const file of foldersOf(named, surroundings).flatMap(findScripts)) {
    const result = options.rewrite ? rewriteFile(file) : checkFile(file);
    results.push(result);
    if (text) print(`${describeResult(result).join("\n")}\n`);
  }
  const failed = results.filter((result) => !result.passed).length;
  const passed = results.length - failed;
  if (text) print(`${describeTotals(results)}\n`);
  else print(`${JSON.stringify({ passed, failed, files: results }, null, 2)}\n`);
  return failed > 0 ? FAILED : PASSED;
}

/**
 * `npm run raft:scripts`: runs datadriven scripts against the Raft core and compares by
 * meaning. Returns the exit code: 0 if all pass, 1 if any fails, 2 if the command is wrong.
 */
export function raftScripts(words: readonly string[], surroundings: Surroundings): number {
  let code = PASSED;
  const program = new Command("raft:scripts")
    .description("run datadriven scripts of etcd-io/raft's format and compare by meaning")
    .argument("[DIR...]", "folders of scripts (*.txt), or single scripts")
    .addOption(
      new Option("-o, --output <form>", "how to print").choices(["text", "json"]).default("text"),
    )
    .option("--rewrite", "write what the scripts print into them, to be reviewed", false)
    .addHelpText("after", EXAMPLES)
    .configureOutput({ writeOut: surroundings.print, writeErr: surroundings.complain })
    .exitOverride()
    .action((named: string[], options: Options) => {
      code = run(named, options, surroundings);
    });
  try {
    program.parse(words, { from: "user" });
  } catch (error) {
    // Commander has said what is wrong; its code is 0 for --help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? PASSED : WRONG_USE;
    surroundings.complain(`raft:scripts: ${errorText(error)}\n`);
    return WRONG_USE;
  }
  return code;
}
