import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mutationsOf } from "./mutations.js";
import { raftScripts } from "./runner/command.js";
import { findScripts, OWN_SCRIPTS } from "./runner/find-scripts.js";
import { parseScript } from "./runner/script.js";

const GOOD =
  "# A good one.\nadd-nodes 1 voters=(1) index=2\n----\nok\n\nraft-state\n----\n1: StateFollower (Voter) Term:0 Lead:0\n";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atoll-scripts-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function run(...words: string[]) {
  return runWith(folder, words);
}

function runWith(testdata: string, words: readonly string[]) {
  let printed = "";
  let complaints = "";
  const code = raftScripts(words, {
    environment: { RAFT_TESTDATA: testdata },
    print: (text) => {
      printed += text;
    },
    complain: (text) => {
      complaints += text;
    },
  });
  return { code, printed, complaints };
}

describe("raft:scripts", () => {
  test("prints a line for each file and the totals", () => {
    const good = write("a.txt", GOOD);
    const bad = write("b.txt", GOOD.replace("Term:0", "Term:3"));
    const { code, printed } = run(folder);
    expect(code).toBe(1);
    expect(printed).toBe(
      `ok    ${good} (2 commands)
FAIL  ${bad}
  ${bad}:8: raft-state: term
    in       1: StateFollower (Voter) Term:3 Lead:0
    expected 3
    actual   0
1 passed, 1 failed
`,
    );
  });

  test("without DIR runs $RAFT_TESTDATA and the project's own", () => {
    const good = write("a.txt", GOOD);
    const { code, printed } = run();
    expect(code).toBe(0);
    expect(printed).toContain(`ok    ${good}`);
    expect(printed).toContain(`${1 + findScripts(OWN_SCRIPTS).length} passed, 0 failed`);
  });

  test("prints JSON", () => {
    const file = write("a.txt", GOOD.replace("Voter", "Non-Voter"));
    const { code, printed } = run("-o", "json", file);
    expect(code).toBe(1);
    expect(JSON.parse(printed)).toMatchObject({
      passed: 0,
      failed: 1,
      files: [
        { file, kind: "interaction", passed: false, findings: [{ line: 8, field: "voter" }] },
      ],
    });
  });

  test("explains itself", () => {
    const { code, printed } = run("--help");
    expect(code).toBe(0);
    expect(printed).toContain("Examples:\n  npm run raft:scripts\n");
  });

  test("refuses what is not there, and what it doesn't know", () => {
    expect(run(join(folder, "nowhere"))).toMatchObject({
      code: 2,
      complaints: `raft:scripts: ${join(folder, "nowhere")} does not exist\n`,
    });
    expect(run(folder).complaints).toBe(`raft:scripts: ${folder} holds no script (*.txt)\n`);
    expect(run("--output", "xml", folder).code).toBe(2);
    expect(runWith(join(folder, "gone"), [])).toMatchObject({
      code: 2,
      complaints: `raft:scripts: $RAFT_TESTDATA is ${join(folder, "gone")}, which does not exist\n`,
    });
  });

  test("writes what scripts print with --rewrite, and only where the meaning is another", () => {
    const kept = "log-level info\n----\nINFO to be kept\n\n";
    const file = write("a.txt", kept + GOOD.replace("Term:0", "Term:3"));
    expect(run("--rewrite", file).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(kept + GOOD);
    expect(run(file).code).toBe(0);
  });
});

describe("a bad script", () => {
  test.each([
    ["frobnicate 1", "frobnicate: unknown command; there are _breakpoint, add-nodes"],
    ["add-nodes 1 colour=red", "add-nodes: unknown option colour; it takes voters, learners"],
    ["status 1 verbose=true", "status: unknown option verbose; it takes none"],
    ["add-nodes x", 'add-nodes: "x" is no whole number'],
    ["add-nodes 1 prevote=maybe", 'add-nodes: prevote is "maybe"; it must be true or false'],
    ["add-nodes 1 read-only=yes", 'add-nodes: read-only is "yes"; it must be safe or lease-based'],
    ["add-nodes 1 index=2 index=3", "add-nodes: option index is given twice"],
    ["add-nodes 1 index=(2,3)", "add-nodes: index takes one value"],
    ["add-nodes 1 voters=(1) index=1", "index must be specified as > 1"],
    ["status 7", "status: there is no node 7; there are 1"],
    ["status", "status: it has 0 plain arguments; it takes a node's id"],
    ["deliver-msgs 1 drop=(1)", "deliver-msgs: 1 is named twice; its messages are either"],
    ["deliver-msgs 1 type=MsgFoo", "deliver-msgs: unknown message type MsgFoo"],
    ["deliver-msgs 2", "deliver-msgs: there is no node 2; there are 1"],
    ["raft-state 1", "raft-state: it has 1 plain arguments; it takes nothing"],
    ["log-level loud", 'log-level: "loud" is no log level'],
    ["propose-conf-change 1\nx9", 'propose-conf-change: "x9" is no change'],
    ["propose-conf-change 1 v1=true\nv2 v3", "propose-conf-change: with v1 there is one change"],
    ["propose-conf-change 1 transition=never", "propose-conf-change: unknown transition never"],
    ["set-randomized-election-timeout 1", "it needs timeout="],
    ["set-randomized-election-timeout 1 timeout=0", "timeout is 0; it must be at least one tick"],
    ["compact 1 99", "compaction at 99 is past 2"],
    ["vote cfg=(1)", "vote: unknown command"],
  ])("%j fails with file and line", (command, expected) => {
    const file = write("a.txt", `${GOOD}\n${command}\n----\nok\n`);
    const { code, printed } = run(file);
    expect(code).toBe(1);
    expect(printed).toContain(`FAIL  ${file}\n  ${file}:10: `);
    expect(printed).toContain(expected);
  });

  test("is named by the line of a further command", () => {
    const file = write("a.txt", `${GOOD}\nraft-state\nstatus 1\nfrobnicate\n----\nok\n`);
    expect(run(file).printed).toContain(`${file}:12: frobnicate: unknown command`);
  });

  test.each([
    ["committed cfg=(1) idx=(0)", "committed: idx holds 0; a voter that has nothing is _"],
    ["committed cfg=(1) votes=(y)", "committed: unknown option votes; it takes cfg, cfgj, idx"],
    ["vote cfg=(1) votes=(maybe)", "vote: unknown vote maybe; it is y, n or _"],
    ["simple\nv0x", 'simple: "v0x" is no change'],
    ["simple 1", "simple: it has 1 plain arguments; it takes options only"],
    ["leave-joint\nv1", "leave-joint: it takes no changes"],
  ])("%j is refused", (command, expected) => {
    const file = write("a.txt", `${command}\n----\nok\n`);
    expect(run(file).printed).toContain(`${file}:1: ${expected}`);
  });
});

describe("a whole run fails with one change in a file", () => {
  test.each(findScripts(OWN_SCRIPTS))("%s", (original) => {
    const script = parseScript(original, readFileSync(original, "utf8"));
    const middle = script.directives.slice(Math.floor(script.directives.length / 2));
    for (const { expected } of middle) {
      const [mutation] = mutationsOf(expected.lines);
      if (mutation === undefined || expected.lines[0] === "ok") continue;
      const lines = script.lines.toSpliced(
        expected.firstLine - 1,
        expected.lines.length,
        ...mutation.lines,
      );
      const file = write("mutated.txt", lines.join("\n"));
      const { code, printed } = run(file);
      expect(code).toBe(1);
      expect(printed).toContain(`${file}:${expected.firstLine + mutation.line}`);
      expect(printed).toContain("0 passed, 1 failed");
      return;
    }
  });
});
