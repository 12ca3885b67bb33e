import Database from "better-sqlite3";
import { AtollError, type Code, errorText } from "../errors.js";

/** An error on its way between threads, where classes are lost. */
export interface Failure {
  readonly code: Code;
  readonly message: string;
}

function codeOf(error: unknown): Code {
  const name = sqliteCode(error);
  if (name === "SQLITE_FULL") return "RESOURCE_EXHAUSTED";
  if (name.startsWith("SQLITE_CORRUPT") || name === "SQLITE_NOTADB") return "DATA_LOSS";
  if (name.startsWith("SQLITE_BUSY") || name.startsWith("SQLITE_CANTOPEN")) {
    return "FAILED_PRECONDITION";
  }
  return "INTERNAL";
}

function sqliteCode(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : "";
}

/** Whether the disk has no room for what was to be written; the file is as it was before. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_FULL";
}

/**
 * An AtollError for anything that went wrong with a file: RESOURCE_EXHAUSTED for a full
 * disk, DATA_LOSS for a file that SQLite finds corrupt, FAILED_PRECONDITION for one that
 * is in use or can't be opened, else INTERNAL. `what` is a phrase such as "can't write
 * the log". AtollErrors pass as they are.
 */
export function storageError(what: string, file: string, error: unknown): AtollError {
  if (error instanceof AtollError) return error;
  const name = sqliteCode(error);
  const suffix = name === "" ? "" : ` (${name})`;
  const text = `${what} ${file}: ${errorText(error)}${suffix}`;
  return new AtollError(codeOf(error), text, { cause: error });
}

/** The part of an error that can cross to another thread. */
export function toFailure(error: AtollError): Failure {
  return { code: error.code, message: error.message };
}

/** The error that crossed. */
export function fromFailure(failure: Failure): AtollError {
  return new AtollError(failure.code, failure.message);
}
