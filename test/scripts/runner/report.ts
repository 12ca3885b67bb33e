import type { FileResult, Finding } from "./check-file.js";

/** Differences of one file that are shown; the rest are counted. */
const SHOWN = 20;

function describeFinding(file: string, finding: Finding): string[] {
  const { line, command, where, field, expected, actual } = finding;
  const path = where.length === 0 ? "" : `  in       ${where.join("  >  ")}\n`;
  const text = `${file}:${line}: ${command}: ${field}\n${path}  expected ${expected}\n  actual   ${actual}`;
  return text.split("\n").map((one) => `  ${one}`);
}

/** One line for a file, and more for one that failed. */
export function describeResult(result: FileResult): string[] {
  const { file, passed, findings, error, commands } = result;
  if (passed) return [`ok    ${file} (${commands} commands)`];
  const lines = [`FAIL  ${file}`];
  if (error !== null) lines.push(`  ${error}`);
  for (const finding of findings.slice(0, SHOWN)) lines.push(...describeFinding(file, finding));
  if (findings.length > SHOWN) lines.push(`  … and ${findings.length - SHOWN} more differences`);
  return lines;
}

/** `31 passed, 1 failed` */
export function describeTotals(results: readonly FileResult[]): string {
  const passed = results.filter((result) => result.passed).length;
  return `${passed} passed, ${results.length - passed} failed`;
}
