import { join } from "node:path";
import Database from "better-sqlite3";
import { AtollError } from "../errors.js";
import { storageError } from "./storage-error.js";

/** A folder that is this process's own until it is given back or the process dies. */
export interface FolderLock {
  /** Gives the folder back. Idempotent. */
  close(): void;
}

/** Whether a folder couldn't be taken because another process has it. */
export function isInUse(error: unknown): boolean {
  const cause = error instanceof AtollError ? error.cause : undefined;
  return cause instanceof Database.SqliteError && cause.code.startsWith("SQLITE_BUSY");
}

/**
 * Takes a data directory for this process. The lock is SQLite's on a file of its own,
 * `lock.db`: the kernel frees it when the process dies. Throws FAILED_PRECONDITION when
 * another process has it; `whose` says who needs one of its own, such as "member".
 */
export function lockFolder(path: string, whose: string): FolderLock {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(join(path, "lock.db"), { timeout: 0 });
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
      throw new AtollError(
        "FAILED_PRECONDITION",
        `the data directory ${path} is in use by another process; a ${whose} needs one of its own`,
        { cause: error },
      );
    }
    throw storageError("can't lock the data directory", path, error);
  }
}
