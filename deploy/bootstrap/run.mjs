#!/usr/bin/env node
// Installs and builds what is missing, then runs one program of Atoll in this process.
// Needs nothing but Node and npm, so that it works on a fresh clone.
import { prepare } from "./prepare.mjs";
import { PROGRAMS } from "./programs.mjs";

const words = process.argv.slice(2);
const quiet = words[0] === "--quiet";
if (quiet) words.shift();
const name = words.shift() ?? "";
const program = PROGRAMS[name];

if (program === undefined) {
  process.stderr.write(
    `run: unknown program "${name}"; there are ${Object.keys(PROGRAMS).join(", ")}\n`,
  );
  process.exitCode = 1;
} else {
  try {
    await prepare({ quiet, project: program.project });
    process.argv = [process.argv[0], program.entry, ...words];
    await import(new URL(`../../${program.entry}`, import.meta.url).href);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
