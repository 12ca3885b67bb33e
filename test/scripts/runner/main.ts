import { Command, CommanderError, Option } from "commander";
import { errorText } from "../../../shared/errors.js";
import { checkFile, type FileResult, rewriteFile } from "./check-file.js";
import { etcdScripts, findScripts, OWN_SCRIPTS } from "./find-scripts.js";
import { describeResult, describeTotals } from "./report.js";

/**
 * `npm run raft:scripts`: runs datadriven scripts against the Raft core and compares by
 * meaning. Exit code 1 if any fails, 2 if the command is wrong.
 */

interface Options {
  readonly output: "text" | "json";
  readonly rewrite: boolean;
}

const EXAMPLES = `
Without DIR, the scripts of etcd-io/raft in $RAFT_TESTDATA, else in ../shared/raft-testdata if
that is there, and the project's own in test/scripts.

Examples:
  npm run raft:scripts
  npm run raft:scripts -- ../shared/raft-testdata/quorum test/scripts/interaction
  npm run -s raft:scripts -- -o json test/scripts
`;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function foldersOf(named: readonly string[]): readonly string[] {
  if (named.length > 0) return named;
  const { folders, notice } = etcdScripts(process.env);
  if (notice !== null) process.stderr.write(`${notice}\n`);
  return [...folders, OWN_SCRIPTS];
}

function run(named: readonly string[], { output, rewrite }: Options): void {
  const files = foldersOf(named).flatMap(findScripts);
  const results: FileResult[] = [];
  for (const file of files) {
    const result = rewrite ? rewriteFile(file) : checkFile(file);
    results.push(result);
    if (output === "text") for (const line of describeResult(result)) print(line);
  }
  const failed = results.filter((result) => !result.passed).length;
  if (output === "text") print(describeTotals(results));
  else print(JSON.stringify({ passed: results.length - failed, failed, files: results }, null, 2));
  if (failed > 0) process.exitCode = 1;
}

const program = new Command("raft:scripts")
  .description("run datadriven scripts of etcd-io/raft's format and compare by meaning")
  .argument("[DIR...]", "folders of scripts (*.txt), or single scripts")
  .addOption(
    new Option("-o, --output <form>", "how to print").choices(["text", "json"]).default("text"),
  )
  .option("--rewrite", "write what scripts print into them, to be reviewed", false)
  .addHelpText("after", EXAMPLES)
  .exitOverride()
  .action(run);

try {
  program.parse();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`raft:scripts: ${errorText(error)}\n`);
    process.exitCode = 2;
  }
}
