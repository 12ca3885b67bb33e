/** What `run.mjs` can run: the entry, relative to the repository, and its fixed arguments. */
export const PROGRAMS = {
  playground: { entry: "dist/deploy/playground/main.js" },
  atoll: { entry: "dist/deploy/cli/main.js" },
  bench: { entry: "dist/test/bench/main.js" },
  sim: { entry: "dist/test/simulation/main.js" },
  test: { entry: "dist/test/runner/main.js" },
};
