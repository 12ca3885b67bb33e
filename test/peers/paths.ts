import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package-lock.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("these tests are not inside a checkout of Atoll");
    folder = parent;
  }
  return folder;
}

/** The checkout's root, whether this file runs as source or from `dist`. */
export const REPOSITORY_ROOT: string = findRoot();

/** Where programs of other projects are unpacked; ignored by git, safe to remove. */
export const PEERS_CACHE: string = join(REPOSITORY_ROOT, ".cache", "peers");
