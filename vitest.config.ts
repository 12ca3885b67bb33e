import { defineConfig } from "vitest/config";

const shared = {
  environment: "node",
  include: [] as string[],
  exclude: ["dist/**", "node_modules/**"],
};

/**
 * Four projects: `unit` and `simulation`, which runs seeded worlds, need no other
 * processes; `conformance` compares real ones and doesn't care how long they take;
 * `faults` hurts real ones, one file at a time, so that its timings hold on two cores.
 */
export default defineConfig({
  test: {
    reporters: ["default", "./test/runner/closing-line.ts"],
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["test/{regional,global,shared,deploy,layout,scripts}/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: "conformance",
          include: ["test/{conformance,wan,bench,peers}/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...shared,
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
