import type { Reporter, TestModule } from "vitest/node";

/** Counts of one finished run. */
interface Tally {
  passed: number;
  failed: number;
  /** Left out by a filter of the command line. */
  skipped: number;
}

function tally(modules: readonly TestModule[]): Tally {
  const total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") total.passed += 1;
      else if (state === "skipped") total.skipped += 1;
      else total.failed += 1;
    }
    // A file that fails before its first test (a bad import, a failed hook) counts as one failure.
    if (module.errors().length > 0) total.failed += 1;
  }
  return total;
}

/** Closes the run with one line, `N passed, N failed`, for people and for CI. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const { passed, failed, skipped } = tally(modules);
    const left = skipped === 0 ? "" : `, ${skipped} skipped`;
    process.stdout.write(`\n${passed} passed, ${failed + unhandledErrors.length} failed${left}\n`);
  }
}
