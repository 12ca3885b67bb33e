/**
 * Installing a received snapshot, in steps each of which may be the last before a crash:
 *
 * 1. decide: the position is written to INSTALL. Until then a crash changes nothing; from
 *    then on every start completes the install.
 * 2. discard: the old state's write-ahead log goes, or SQLite would replay it into the
 *    new database.
 * 3. replace: the staged database is renamed onto the state database.
 * 4. reset: the log begins anew at the position.
 * 5. forget: INSTALL goes.
 *
 * Every step may be done again, and nothing is appended to the log before the last one.
 */
import { existsSync, readFileSync } from "node:fs";
import { AtollError } from "../../shared/errors.js";
import { storageError } from "../../shared/sqlite/storage-error.js";
import type { DataDirectory } from "../log/directory.js";
import { moveFile, removeFiles, replaceFile } from "../log/durable-files.js";
import type { DurableLog } from "../log/durable-log.js";
import { decodePosition, encodePosition } from "../log/position.js";
import type { SnapshotMetadata } from "../raft/types.js";
import { removeStaged, stagedIndex } from "./incoming.js";

/** One step of an install. */
export interface InstallStep {
  readonly name: "decide" | "discard" | "replace" | "reset" | "forget";
  run(): Promise<void> | void;
}

function discard(directory: DataDirectory): void {
  const { path, state } = directory;
  removeFiles(path, [`${state}-wal`, `${state}-shm`, `${state}-journal`]);
}

/** All steps, in order. The state database must be closed. */
export function installSteps(
  directory: DataDirectory,
  log: DurableLog,
  position: SnapshotMetadata,
): readonly InstallStep[] {
  const { path, incoming, state, installMarker } = directory;
  return [
    { name: "decide", run: () => replaceFile(installMarker, encodePosition(position)) },
    { name: "discard", run: () => discard(directory) },
    { name: "replace", run: () => moveFile(incoming, state) },
    { name: "reset", run: () => log.reset(position) },
    { name: "forget", run: () => removeFiles(path, [installMarker]) },
  ];
}

/** Runs steps in order. Rejects naming the step that failed. */
export async function runInstall(
  directory: DataDirectory,
  steps: readonly InstallStep[],
): Promise<void> {
  for (const step of steps) {
    try {
      await step.run();
    } catch (error) {
      throw storageError(`can't install a snapshot (${step.name}) in`, directory.path, error);
    }
  }
}

/**
 * At start, before the state database is opened: puts the staged database in place if an
 * install was decided; if not, keeps what a transfer can be resumed with. Gives the position of the decided install,
 * whose last steps (reset, forget) are still to be done; null if there was none.
 */
export function resumeInstall(directory: DataDirectory): SnapshotMetadata | null {
  const { path, incoming, state, installMarker } = directory;
  try {
    if (!existsSync(installMarker)) {
      // Half a snapshot, with its manifest, may be of use; without, nobody knows what it is.
      if (stagedIndex(directory) === undefined) removeStaged(directory);
      return null;
    }
    const position = decodePosition(readFileSync(installMarker), installMarker);
    if (existsSync(incoming)) {
      discard(directory);
      moveFile(incoming, state);
    } else if (!existsSync(state)) {
      const text = `${installMarker} is there, but neither ${incoming} nor ${state}`;
      throw new AtollError("DATA_LOSS", text);
    }
    return position;
  } catch (error) {
    throw storageError("can't complete the install of a snapshot in", path, error);
  }
}
