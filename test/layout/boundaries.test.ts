import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

/**
 * The rules of ARCHITECTURE.md, Folders, hold for the tree; and each of them can
 * fail: a planted file that breaks it is named.
 */
const ROOT = resolve(import.meta.dirname, "../..");
const DEPCRUISE = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
const FOLDERS = ["regional", "global", "shared", "deploy"];

function cruise(cwd: string): { status: number | null; output: string } {
  const done = spawnSync(
    process.execPath,
    [
      DEPCRUISE,
      "--config",
      join(ROOT, ".dependency-cruiser.cjs"),
      "--output-type",
      "err",
      ...FOLDERS,
    ],
    { cwd, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
  );
  return { status: done.status, output: done.stdout + done.stderr };
}

/** Cruises a small tree of the given files, with the project's own rules. */
function cruisePlanted(files: Record<string, string>): { status: number | null; output: string } {
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".cache/planted-"));
  try {
    for (const name of FOLDERS) mkdirSync(join(folder, name));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    for (const name of ["tsconfig.src.json", "tsconfig.base.json", "node_modules"]) {
      symlinkSync(join(ROOT, name), join(folder, name));
    }
    return cruise(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the tree keeps the rules", () => {
  const { status, output } = cruise(ROOT);
  expect(output).toContain("no dependency violations found");
  expect(status).toBe(0);
});

describe("each rule can fail", () => {
  test.each([
    [
      "levels-meet-on-the-wire",
      { "regional/a.ts": 'import "../global/b.js";\n', "global/b.ts": "export const b = 1;\n" },
    ],
    [
      "shared-imports-no-level",
      { "shared/a.ts": 'import "../global/b.js";\n', "global/b.ts": "export {};\n" },
    ],
    [
      "nothing-imports-deploy",
      { "global/a.ts": 'import "../deploy/b.js";\n', "deploy/b.ts": "export {};\n" },
    ],
    [
      "cores-are-pure",
      {
        "regional/raft/a.ts": 'import { b } from "../../shared/b.js";\nexport const a = b;\n',
        "shared/b.ts": 'import { readFileSync } from "node:fs";\nexport const b = readFileSync;\n',
      },
    ],
    [
      "no-cycles",
      {
        "shared/a.ts": 'import { b } from "./b.js";\nexport const a = (): unknown => b;\n',
        "shared/b.ts": 'import { a } from "./a.js";\nexport const b = (): unknown => a;\n',
      },
    ],
  ])("%s", (rule, files) => {
    const { status, output } = cruisePlanted(files);
    expect(output).toContain(rule);
    expect(status).not.toBe(0);
  });
});
