import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const shared = {
  environment: "node",
  include: [] as string[],
  exclude: ["dist/**", "node_modules/**"],
};

/** One for each core; left to itself, vitest keeps one core free. */
const maxWorkers = availableParallelism();

const TIMED =
  "test/faults/{disk-*,divergence,fsync,gateway-restart,joining,lease-reads,member-kill,membership,mesh,pause,priority,snapshot-resume,transfer,wan}.test.ts";

/**
 * `unit` and `simulation`, which runs seeded worlds, come first; `conformance` compares
 * real processes, `faults` hurts them; `timed` are those faults whose tests look at how long
 * things take, one file at a time, so that this holds on two cores.
 */
export default defineConfig({
  test: {
    reporters: ["default", "./test/runner/closing-line.ts"],
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          maxWorkers,
          setupFiles: ["test/runner/property-seed.ts"],
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
          maxWorkers,
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: "conformance",
          maxWorkers,
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
          maxWorkers,
          include: ["test/faults/**/*.test.ts"],
          exclude: [...shared.exclude, TIMED],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...shared,
          name: "timed",
          include: [TIMED],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
