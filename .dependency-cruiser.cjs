/** The rules of ARCHITECTURE.md, Folders. */
const CORES =
  "^(regional/(raft|store|lease|watch)|global/(summary|digest|view|mesh/core|redis/core|storage/core))/";

/** Node's modules that do I/O or read a clock; `crypto`, `zlib` and `buffer` only compute. */
const IO_MODULES = [
  "child_process",
  "cluster",
  "dgram",
  "dns",
  "fs",
  "http",
  "http2",
  "https",
  "net",
  "os",
  "perf_hooks",
  "process",
  "readline",
  "timers",
  "tls",
  "worker_threads",
].map((name) => `^(node:)?${name}($|/)`);

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "levels-meet-on-the-wire",
      comment: "regional and global never import each other",
      severity: "error",
      from: { path: "^(regional|global)/" },
      to: { path: "^(regional|global)/", pathNot: "^$1/" },
    },
    {
      name: "shared-imports-no-level",
      severity: "error",
      from: { path: "^shared/" },
      to: { path: "^(regional|global|deploy|test)/" },
    },
    {
      name: "nothing-imports-deploy",
      severity: "error",
      from: { path: "^(regional|global|shared)/" },
      to: { path: "^(deploy|test)/" },
    },
    {
      name: "deploy-imports-no-tests",
      severity: "error",
      from: { path: "^deploy/" },
      to: { path: "^test/" },
    },
    {
      name: "cores-are-pure",
      comment:
        "no I/O, clock, timers or randomness in a core, not through another file either; hashing is a pure computation",
      severity: "error",
      from: { path: CORES },
      to: {
        reachable: true,
        path: IO_MODULES,
      },
    },
    {
      name: "cores-use-few-packages",
      severity: "error",
      from: { path: CORES },
      to: { path: "node_modules/", pathNot: "node_modules/(@bufbuild|zod|yaml)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.src.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
