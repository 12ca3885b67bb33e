import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { prefixEnd } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import { STORAGE_STEP_BYTES, STORAGE_TIDY_PAGES, STORAGE_WAL_BYTES } from "../../shared/limits.js";
import { storageError } from "../../shared/sqlite/storage-error.js";
import { RowPacker, unpackRows } from "./core/packed-rows.js";

/** Format of the file; written into it, and the only one that is read. */
const FORMAT = "1";

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE rows (key BLOB PRIMARY KEY, crc INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
`;

interface StoredRow {
  readonly key: Buffer;
  readonly crc: number;
  readonly value: Buffer;
}

interface Statements {
  readonly put: Database.Statement<[Uint8Array, number, Uint8Array]>;
  readonly remove: Database.Statement<[Uint8Array]>;
  readonly removeAll: Database.Statement<[Uint8Array, Uint8Array]>;
  readonly pages: Database.Statement<[], number>;
  readonly freePages: Database.Statement<[], number>;
}

/** A row's checksum is over its key and its value. */
function checksum(key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

/**
 * The SQLite file of a gateway's view: rows by their keys, each with a checksum. Synchronous,
 * meant for a worker thread. Transactions are not synced (a crash of the process loses none,
 * one of the machine leaves the file as it was some transactions ago), since all of it can
 * be learnt again.
 */
export class ViewFile {
  readonly #db: Database.Database;
  readonly #statements: Statements;
  readonly #pageBytes: number;

  private constructor(db: Database.Database) {
    this.#db = db;
    this.#statements = {
      put: db.prepare("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)"),
      remove: db.prepare("DELETE FROM rows WHERE key = ?"),
      removeAll: db.prepare("DELETE FROM rows WHERE key >= ? AND key < ?"),
      pages: db.prepare<[], number>("PRAGMA page_count").pluck(),
      freePages: db.prepare<[], number>("PRAGMA freelist_count").pluck(),
    };
    this.#pageBytes = db.pragma("page_size", { simple: true }) as number;
  }

  /**
   * Opens or makes the file. Throws DATA_LOSS for a damaged one or one of another format,
   * FAILED_PRECONDITION for one of another region's gateway, INTERNAL for one that can't be
   * opened.
   */
  static open(path: string, region: string): ViewFile {
    let db: Database.Database | undefined;
    try {
      db = new Database(path, { timeout: 0 });
      // Counts only while the file is empty.
      db.pragma("auto_vacuum = INCREMENTAL");
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = NORMAL");
      db.pragma(`journal_size_limit = ${STORAGE_WAL_BYTES}`);
      prepare(db, path, region);
      return new ViewFile(db);
    } catch (error) {
      db?.close();
      throw openingError(path, error);
    }
  }

  /** Bytes of the file. */
  get bytes(): number {
    return (this.#statements.pages.get() ?? 0) * this.#pageBytes;
  }

  /**
   * All rows in the order of their keys, packed, in pieces. One with a wrong checksum comes
   * as damaged. Nothing else may be called until it is finished or returned.
   */
  *rows(): Generator<Uint8Array<ArrayBuffer>> {
    const packer = new RowPacker();
    const rows = this.#db.prepare<[], StoredRow>("SELECT key, crc, value FROM rows ORDER BY key");
    for (const { key, crc, value } of rows.iterate()) {
      if (checksum(key, value) === crc) packer.add("put", key, value);
      else packer.add("damaged", key);
      if (packer.bytes >= STORAGE_STEP_BYTES) yield packer.take();
    }
    if (packer.rows > 0) yield packer.take();
  }

  /** Carries out packed rows, in a transaction that goes on until `commits`. */
  write(packed: Uint8Array, commits: boolean): void {
    const { put, remove, removeAll } = this.#statements;
    if (!this.#db.inTransaction) this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const { operation, key, value } of unpackRows(packed)) {
        if (operation === "put") put.run(key, checksum(key, value), value);
        else if (operation === "remove") remove.run(key);
        else if (operation === "remove-all") removeAll.run(key, prefixEnd(key));
      }
      if (!commits) return;
      this.#db.exec("COMMIT");
    } catch (error) {
      this.rollBack();
      throw error;
    }
    this.#tidy();
  }

  /** Takes back what was written since the last commit. */
  rollBack(): void {
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
  }

  /** Gives a part of the free pages back where there are many. */
  #tidy(): void {
    const free = this.#statements.freePages.get() ?? 0;
    const pages = this.#statements.pages.get() ?? 0;
    if (free < STORAGE_TIDY_PAGES || free * 4 < pages) return;
    this.#db.pragma(`incremental_vacuum(${STORAGE_TIDY_PAGES})`);
  }

  close(): void {
    this.#db.close();
  }
}

function openingError(path: string, error: unknown): AtollError {
  const opened = storageError("can't open the stored view", path, error);
  if (!(error instanceof Database.SqliteError)) return opened;
  // What its statements don't fit is no file that this program has made.
  if (error.code === "SQLITE_ERROR") return new AtollError("DATA_LOSS", opened.message);
  // Somebody else may be looking at it; the directory is this process's own.
  return opened.code === "DATA_LOSS" ? opened : new AtollError("INTERNAL", opened.message);
}

function prepare(db: Database.Database, path: string, region: string): void {
  const tables = db.prepare<[], number>("SELECT count(*) FROM sqlite_master").pluck().get();
  if (tables === 0) {
    db.transaction(() => {
      db.exec(SCHEMA);
      const put = db.prepare("INSERT INTO meta VALUES (?, ?)");
      put.run("format", FORMAT);
      put.run("region", region);
      put.run("region checksum", regionChecksum(region));
    }).immediate();
    return;
  }
  const format = metaOf(db, "format");
  if (format !== FORMAT) {
    const message = `the stored view ${path} is of format ${format ?? "unknown"}; this program reads ${FORMAT}`;
    throw new AtollError("DATA_LOSS", message);
  }
  const found = metaOf(db, "region") ?? "";
  if (metaOf(db, "region checksum") !== regionChecksum(found)) {
    throw new AtollError("DATA_LOSS", `the stored view ${path} doesn't say whose it is`);
  }
  if (found === region) return;
  throw new AtollError(
    "FAILED_PRECONDITION",
    `the stored view ${path} belongs to a gateway of ${found}, not of ${region}`,
  );
}

/** A damaged name is no other region's. */
function regionChecksum(region: string): string {
  return String(crc32(region));
}

function metaOf(db: Database.Database, key: string): string | undefined {
  const table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
  if (db.prepare<[], number>(table).pluck().get() !== 1) return undefined;
  return db.prepare<[string], string>("SELECT value FROM meta WHERE key = ?").pluck().get(key);
}
