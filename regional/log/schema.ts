import type Database from "better-sqlite3";
import { AtollError } from "../../shared/errors.js";
import type { FileIdentity } from "./identity.js";

/** What a database must be. */
export interface Expected {
  /** What the file is called in errors: "log", "state database". */
  readonly what: string;
  readonly path: string;
  readonly format: number;
  readonly identity: FileIdentity;
  /** Whether an empty database is made into a new one; if not, it is DATA_LOSS. */
  readonly create: boolean;
  /** SQL that makes the tables of a new file. */
  readonly schema: string;
}

/**
 * Makes the tables of an empty database, or verifies that it is of the right format and
 * member (FAILED_PRECONDITION if not) and that SQLite finds its pages sound (DATA_LOSS).
 */
export function prepareSchema(db: Database.Database, expected: Expected): void {
  const { what, path, format, identity, create, schema } = expected;
  const tables = db.prepare<[], number>("SELECT count(*) FROM sqlite_master").pluck().get();
  if (tables === 0) {
    if (!create) {
      throw new AtollError("DATA_LOSS", `the ${what} ${path} is empty, but was used before`);
    }
    db.transaction(() => {
      db.exec("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
      db.exec(schema);
      const put = db.prepare("INSERT INTO meta VALUES (?, ?)");
      put.run("format", String(format));
      put.run("cluster", identity.cluster);
      put.run("member", identity.member);
    }).immediate();
    return;
  }
  const meta = db.prepare<[string], string>("SELECT value FROM meta WHERE key = ?").pluck();
  const found = meta.get("format");
  if (found !== String(format)) {
    const other = found === undefined ? "of no known format" : `of format ${found}`;
    throw new AtollError(
      "FAILED_PRECONDITION",
      `the ${what} ${path} is ${other}; this program reads format ${format}`,
    );
  }
  for (const key of ["cluster", "member"] as const) {
    const value = meta.get(key);
    if (value === identity[key]) continue;
    throw new AtollError(
      "FAILED_PRECONDITION",
      `the ${what} ${path} belongs to ${key} ${value}, not to ${key} ${identity[key]}`,
    );
  }
  const check = db.pragma("quick_check(1)", { simple: true });
  if (check !== "ok") {
    throw new AtollError("DATA_LOSS", `the ${what} ${path} is corrupt: ${String(check)}`);
  }
}
