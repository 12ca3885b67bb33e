import { fileURLToPath } from "node:url";

/** The repository's (or the installed package's dist/) root, as a URL that ends with "/". */
const root = new URL("..", import.meta.url);

/**
 * The compiled file of a worker thread: `name` (ends with .js) beside the module at
 * `moduleUrl`. A module that runs from its .ts source (under a test runner that compiles
 * on the fly) gets the file of the same path under `dist/`, because worker threads load
 * JavaScript only; `tsc -b` must have run before.
 */
export function workerFile(name: string, moduleUrl: string): URL {
  const beside = new URL(name, moduleUrl);
  if (!moduleUrl.endsWith(".ts")) return beside;
  const path = fileURLToPath(beside).slice(fileURLToPath(root).length);
  return new URL(`dist/${path}`, root);
}
