import { join } from "node:path";
import { ROOT } from "./prepare.mjs";

const bin = (name) => join(ROOT, "node_modules/.bin", name);

/** The checks of `npm run verify`, in order: none of them writes into the tree. */
export const CHECKS = [
  { name: "format", command: bin("biome"), args: ["check", "--error-on-warnings", "."] },
  { name: "lint", command: bin("oxlint"), args: ["--type-aware", "--deny-warnings"] },
  { name: "types", command: bin("tsc"), args: ["-b"] },
  {
    name: "boundaries",
    command: bin("depcruise"),
    args: [
      "--config",
      ".dependency-cruiser.cjs",
      "--output-type",
      "err",
      "regional",
      "global",
      "shared",
      "deploy",
      "test",
    ],
  },
  { name: "dead code", command: bin("knip"), args: ["--no-progress"] },
  { name: "buf lint", command: bin("buf"), args: ["lint"] },
  {
    name: "generated code",
    command: process.execPath,
    args: [join(ROOT, "deploy/bootstrap/check-generated.mjs")],
  },
];

/** The commands of `npm run fix`. */
export const FIXES = [
  { name: "generate", command: bin("buf"), args: ["generate"] },
  { name: "format", command: bin("biome"), args: ["check", "--write", "."] },
  { name: "lint", command: bin("oxlint"), args: ["--fix", "--type-aware"] },
];
