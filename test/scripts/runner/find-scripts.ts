import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { AtollError } from "../../../shared/errors.js";

/** The variable that names the folder of etcd-io/raft's scripts. */
const VARIABLE = "RAFT_TESTDATA";
/** Where that folder is otherwise looked for. */
const USUAL = join("..", "shared", "raft-testdata");
/** The project's own scripts. */
export const OWN_SCRIPTS: string = join("test", "scripts");

/** Where scripts are taken from. */
export interface Sources {
  readonly folders: readonly string[];
  /** What should be said about folders that are not there; null if there is nothing to say. */
  readonly notice: string | null;
}

/** The folder of etcd-io/raft's scripts, as a source. */
export function etcdScripts(environment: NodeJS.ProcessEnv): Sources {
  const named = environment[VARIABLE];
  if (named !== undefined && named !== "") {
    if (existsSync(named)) return { folders: [named], notice: null };
    throw new AtollError("NOT_FOUND", `$${VARIABLE} is ${named}, which does not exist`);
  }
  if (existsSync(USUAL)) return { folders: [USUAL], notice: null };
  const notice = `etcd-io/raft's scripts are not run: $${VARIABLE} is not set and ${USUAL} is not there`;
  return { folders: [], notice };
}

function listFolder(folder: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...listFolder(path));
    else if (entry.name.endsWith(".txt")) files.push(path);
  }
  return files.sort();
}

/**
 * All scripts (`*.txt`) in a folder and those below it, in order of their names; or the one
 * script that is named.
 * @throws AtollError NOT_FOUND if there is no such folder or file, or no script in it
 */
export function findScripts(path: string): readonly string[] {
  if (!existsSync(path)) throw new AtollError("NOT_FOUND", `${path} does not exist`);
  const files = statSync(path).isDirectory() ? listFolder(path) : [path];
  if (files.length === 0) throw new AtollError("NOT_FOUND", `${path} holds no script (*.txt)`);
  return files;
}
