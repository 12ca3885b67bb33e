import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, it, onTestFinished } from "vitest";
import { REPOSITORY_ROOT } from "../../peers/paths.js";

/** The example of regional/raft/README.md must compile as it stands, and do what it says. */

async function example(): Promise<string> {
  const readme = await readFile(join(REPOSITORY_ROOT, "regional/raft/README.md"), "utf8");
  const code = /^```ts\n(import [\s\S]*?)^```$/m.exec(readme)?.[1];
  if (code === undefined) throw new Error("the README has no block of code that imports anything");
  return code;
}

/** Compiles code as a file of the repository's root would be. Gives JavaScript and complaints. */
function compile(code: string): { js: string; problems: string[] } {
  const file = join(REPOSITORY_ROOT, "readme-example.mts");
  const config = ts.readConfigFile(join(REPOSITORY_ROOT, "tsconfig.base.json"), (name) =>
    ts.sys.readFile(name),
  );
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.config.compilerOptions, composite: false, incremental: false, sourceMap: false },
    REPOSITORY_ROOT,
  );
  options.rootDir = REPOSITORY_ROOT;
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => name === file || disk.fileExists(name),
    readFile: (name) => (name === file ? code : disk.readFile(name)),
    getSourceFile: (name, version, ...rest) =>
      name === file
        ? ts.createSourceFile(name, code, version, true)
        : disk.getSourceFile(name, version, ...rest),
  };
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ];
  let js = "";
  program.emit(source, (name, text) => {
    if (name.endsWith(".mjs")) js = text;
  });
  return { js, problems: found.map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n")) };
}

it("has an example that compiles strictly and replicates a map over a crash", async () => {
  const { js, problems } = compile(await example());
  expect(problems).toEqual([]);
  const built = new URL("../../../dist/regional/raft/index.js", import.meta.url).href;
  expect(js).toContain('"./regional/raft/index.js"');
  const folder = await mkdtemp(join(tmpdir(), "atoll-readme-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "example.mjs");
  await writeFile(file, js.replace('"./regional/raft/index.js"', `"${built}"`));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
    timeout: 60_000,
  });
  expect(stderr).toBe("");
  expect(stdout).toBe("read from a follower: green\nread from the restarted member: blue\n");
}, 90_000);

it("would not compile an example that misuses the module", async () => {
  const code = (await example()).replace("maxInflightMessages: 256", 'maxInflightMessages: "256"');
  expect(compile(code).problems.join()).toContain("not assignable to type 'number'");
}, 60_000);
