import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { mutationsOf } from "./mutations.js";
import { etcdScripts, findScripts, OWN_SCRIPTS } from "./runner/find-scripts.js";
import type { Item } from "./runner/items.js";
import { parseOutput } from "./runner/parse-output.js";
import { checkStep, runScript } from "./runner/run-script.js";
import { parseScript } from "./runner/script.js";

const FILES = [...etcdScripts(process.env).folders, OWN_SCRIPTS].flatMap(findScripts);

/** The names of all fields that an output has: `message.commit`, `progress.next`, … */
function fieldsOf(items: readonly Item[]): string[] {
  return items.flatMap((item) => [
    ...Object.keys(item.fields).map((field) => `${item.kind}.${field}`),
    ...fieldsOf(item.children),
  ]);
}

/** The kind of the item that begins on a line. */
function kindsAt(items: readonly Item[], line: number): string[] {
  return items.flatMap((item) => [
    ...(item.line === line ? [item.kind] : []),
    ...kindsAt(item.children, line),
  ]);
}

/** What changing one thing at a time in a script's expected outputs shows. */
function mutate(file: string) {
  const script = parseScript(file, readFileSync(file, "utf8"));
  const unnoticed: string[] = [];
  const present = new Set<string>();
  const noticed = new Set<string>();
  for (const step of runScript(script).steps) {
    const { lines, firstLine } = step.directive.expected;
    const items = parseOutput(lines);
    for (const field of fieldsOf(items)) present.add(field);
    for (const mutation of mutationsOf(lines)) {
      const differences = checkStep(step, mutation.lines);
      if (differences.length === 0) {
        unnoticed.push(`${file}:${firstLine + mutation.line}: ${mutation.change}`);
      }
      for (const { line, field } of differences) {
        for (const kind of kindsAt(items, line)) noticed.add(`${kind}.${field}`);
      }
    }
  }
  return { unnoticed, missed: [...present].filter((field) => !noticed.has(field)) };
}

describe("a script fails if one thing in an expected output is changed", () => {
  test.each(FILES)("%s", (file) => {
    const { unnoticed, missed } = mutate(file);
    expect(unnoticed, "changes that the runner did not notice").toEqual([]);
    expect(missed, "fields that no change has reached").toEqual([]);
  });
});
