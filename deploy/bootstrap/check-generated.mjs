#!/usr/bin/env node
// Generates into a temporary folder and compares with shared/gen.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ROOT } from "./prepare.mjs";

function files(folder, top = folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path, top) : [relative(top, path)];
  });
}

const fresh = mkdtempSync(join(tmpdir(), "atoll-gen-"));
try {
  const done = spawnSync(join(ROOT, "node_modules/.bin/buf"), ["generate", "-o", fresh], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new Error(`buf generate failed:\n${done.stderr}`);
  const wanted = join(fresh, "shared/gen");
  const have = join(ROOT, "shared/gen");
  const names = new Set([...files(wanted), ...files(have)]);
  const read = (folder, name) => {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch {
      return undefined;
    }
  };
  const stale = [...names]
    .filter((name) => read(wanted, name) !== read(have, name))
    .sort((a, b) => a.localeCompare(b));
  if (stale.length > 0) {
    throw new Error(`shared/gen is out of date; run \`npm run fix\`:\n  ${stale.join("\n  ")}`);
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
