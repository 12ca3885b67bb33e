import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { AtollError } from "../../shared/errors.js";
import { storageError } from "../../shared/sqlite/storage-error.js";
import type { FileIdentity } from "../log/identity.js";
import { decodePosition, encodePosition } from "../log/position.js";
import { prepareSchema } from "../log/schema.js";
import type { SnapshotMetadata } from "../raft/types.js";
import { type BackendRecord, RecordTable } from "../store/records.js";
import { packedSize, packRecord, unpack } from "./packed.js";

/** Format of the state database; written into it, and the only one that is opened. */
export const STATE_FORMAT = 1;

const SCHEMA = "CREATE TABLE position (id INTEGER PRIMARY KEY CHECK (id = 1), data BLOB NOT NULL)";

/** Bytes of a database. */
export interface StateSize {
  readonly total: number;
  /** Those of them that hold data. */
  readonly inUse: number;
}

interface TableStatements {
  readonly put: Database.Statement<[number | Uint8Array, number, Uint8Array]>;
  readonly remove: Database.Statement<[number | Uint8Array]>;
}

interface StoredRecord {
  readonly key: number | Buffer;
  readonly crc: number;
  readonly value: Buffer;
}

/** Position of an open database; null when nothing was ever written. */
export function readPosition(db: Database.Database, path: string): SnapshotMetadata | null {
  const data = db.prepare<[], Buffer>("SELECT data FROM position").pluck().get();
  if (data === undefined) return null;
  return decodePosition(data, `the state database ${path}: its position`);
}

function tableExists(db: Database.Database, table: number): boolean {
  const query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?";
  return db.prepare<[string], number>(query).pluck().get(`t${table}`) === 1;
}

function corrupt(path: string, { table, key }: BackendRecord): AtollError {
  const name = typeof key === "number" ? String(key) : Buffer.from(key).toString("hex");
  return new AtollError(
    "DATA_LOSS",
    `the state database ${path} is corrupt: record ${name} of table ${table}: ` +
      "its checksum is wrong; this member must rejoin as a new one",
  );
}

/**
 * All records of an open database in packed form, in the order of (table, key), in pieces
 * of about `pieceBytes`, each in memory of its own. Throws DATA_LOSS naming the table and
 * key of a record whose checksum is wrong.
 */
export function* readRecords(
  db: Database.Database,
  path: string,
  pieceBytes: number,
): Generator<Buffer, void> {
  let piece = Buffer.allocUnsafeSlow(pieceBytes);
  let used = 0;
  for (const table of Object.values(RecordTable)) {
    if (!tableExists(db, table)) continue;
    const rows = db.prepare<[], StoredRecord>(`SELECT * FROM t${table} ORDER BY key`);
    for (const { key, crc, value } of rows.iterate()) {
      const record: BackendRecord = { table, key, value };
      const size = packedSize(record);
      if (used + size > piece.length) {
        if (used > 0) yield piece.subarray(0, used);
        piece = Buffer.allocUnsafeSlow(Math.max(pieceBytes, size));
        used = 0;
      }
      const end = packRecord(record, piece, used);
      if (crc32(piece.subarray(used, end)) !== crc) throw corrupt(path, record);
      used = end;
    }
  }
  if (used > 0) yield piece.subarray(0, used);
}

/**
 * The state database's SQLite file: a table of records for each table of the store, and
 * the applied position. Synchronous, meant for a worker thread. A call that throws leaves
 * the file as it was. After a full disk it may be tried again; after any other error the file
 * is not to be written any more.
 */
export class StateFile {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #tables = new Map<number, TableStatements>();
  readonly #setPosition: Database.Statement<[Buffer]>;
  readonly #pages: Database.Statement<[], number>;
  readonly #freePages: Database.Statement<[], number>;
  readonly #pageBytes: number;

  private constructor(path: string, db: Database.Database) {
    this.path = path;
    this.#db = db;
    this.#setPosition = db.prepare("INSERT OR REPLACE INTO position VALUES (1, ?)");
    this.#pages = db.prepare<[], number>("PRAGMA page_count").pluck();
    this.#freePages = db.prepare<[], number>("PRAGMA freelist_count").pluck();
    this.#pageBytes = db.pragma("page_size", { simple: true }) as number;
  }

  /**
   * Opens or makes the database at `path`. Throws DATA_LOSS for a damaged one,
   * FAILED_PRECONDITION for one of another format or member. What it holds then survives
   * a power cut.
   */
  static open(path: string, identity: FileIdentity): StateFile {
    let db: Database.Database | undefined;
    try {
      db = new Database(path, { timeout: 0 });
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = NORMAL");
      db.pragma("wal_autocheckpoint = 0");
      prepareSchema(db, {
        what: "state database",
        path,
        format: STATE_FORMAT,
        identity,
        create: true,
        schema: SCHEMA,
      });
      db.pragma("wal_checkpoint(TRUNCATE)");
      return new StateFile(path, db);
    } catch (error) {
      db?.close();
      throw storageError("can't open the state database", path, error);
    }
  }

  /** Position of the last write; null when nothing was ever written. */
  position(): SnapshotMetadata | null {
    return readPosition(this.#db, this.path);
  }

  get size(): StateSize {
    const pages = this.#pages.get() ?? 0;
    const free = this.#freePages.get() ?? 0;
    return { total: pages * this.#pageBytes, inUse: (pages - free) * this.#pageBytes };
  }

  /** As readRecords. Nothing else may be called until it is finished or returned. */
  records(pieceBytes: number): Generator<Buffer, void> {
    return readRecords(this.#db, this.path, pieceBytes);
  }

  /** Carries out packed records and sets the position, in one transaction. */
  write(packed: Buffer, position: SnapshotMetadata): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      unpack(packed, ({ table, key, value }, from, to) => {
        const statements = this.#table(table, key);
        if (value === null) statements.remove.run(key);
        else statements.put.run(key, crc32(packed.subarray(from, to)), value);
      });
      this.#setPosition.run(encodePosition(position));
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
      // Tables that were made in this transaction are gone.
      this.#tables.clear();
      throw error;
    }
  }

  /**
   * Moves the write-ahead log into the database, both synced: everything written so far
   * survives a power cut. False when a reader (an image that is being made) kept a part.
   */
  checkpoint(): boolean {
    const [result] = this.#db.pragma("wal_checkpoint(PASSIVE)") as {
      busy: number;
      log: number;
      checkpointed: number;
    }[];
    return result !== undefined && result.busy === 0 && result.log === result.checkpointed;
  }

  close(): void {
    this.#db.close();
  }

  #table(table: number, key: number | Uint8Array): TableStatements {
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const columns = "crc INTEGER NOT NULL, value BLOB NOT NULL";
    this.#db.exec(
      typeof key === "number"
        ? `CREATE TABLE IF NOT EXISTS t${table} (key INTEGER PRIMARY KEY, ${columns})`
        : `CREATE TABLE IF NOT EXISTS t${table} (key BLOB PRIMARY KEY, ${columns}) WITHOUT ROWID`,
    );
    const statements: TableStatements = {
      put: this.#db.prepare(`INSERT OR REPLACE INTO t${table} VALUES (?, ?, ?)`),
      remove: this.#db.prepare(`DELETE FROM t${table} WHERE key = ?`),
    };
    this.#tables.set(table, statements);
    return statements;
  }
}
