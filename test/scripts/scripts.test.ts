import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkFile } from "./runner/check-file.js";
import { etcdScripts, findScripts, OWN_SCRIPTS } from "./runner/find-scripts.js";
import { describeResult } from "./runner/report.js";
import { parseScript } from "./runner/script.js";

const LEAST_OWN_SCRIPTS = 25;
const own = findScripts(OWN_SCRIPTS);
const { folders, notice } = etcdScripts(process.env);

function expectPass(file: string): void {
  const result = checkFile(file);
  expect(result.passed, describeResult(result).join("\n")).toBe(true);
}

describe("the project's own scripts", () => {
  test.each(own)("%s", expectPass);

  test.each(own)("%s begins with its reason", (file) => {
    const { reason } = parseScript(file, readFileSync(file, "utf8"));
    expect(reason.split(/\s+/).length).toBeGreaterThan(10);
  });

  test(`are at least ${LEAST_OWN_SCRIPTS}`, () => {
    expect(own.length).toBeGreaterThanOrEqual(LEAST_OWN_SCRIPTS);
  });
});

describe("etcd-io/raft's scripts", () => {
  // Said aloud where they are not there: in the name of a test, and on the terminal.
  test(notice ?? `are in ${folders.join(", ")}`, () => {
    if (notice !== null) process.stderr.write(`${notice}\n`);
    expect(folders.length).toBe(notice === null ? 1 : 0);
  });

  for (const file of folders.flatMap(findScripts)) test(file, () => expectPass(file));
});
