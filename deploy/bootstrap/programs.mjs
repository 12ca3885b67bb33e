/** What `run.mjs` can run: the entry, relative to the repository, and the project that has to be built for it. */
export const PROGRAMS = {
  playground: { entry: "dist/deploy/playground/main.js", project: "tsconfig.src.json" },
  atoll: { entry: "dist/deploy/cli/main.js", project: "tsconfig.src.json" },
  bench: { entry: "dist/test/bench/main.js", project: "tsconfig.json" },
  scripts: { entry: "dist/test/scripts/runner/main.js", project: "tsconfig.json" },
  fuzz: { entry: "dist/test/faults/fuzz/main.js", project: "tsconfig.json" },
  sim: { entry: "dist/test/simulation/main.js", project: "tsconfig.json" },
  test: { entry: "dist/test/runner/main.js", project: "tsconfig.json" },
};
