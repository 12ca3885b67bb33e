import Database from "better-sqlite3";
import { assert } from "../../shared/assert.js";
import { AtollError } from "../../shared/errors.js";
import { LOG_COMPACTION_ROWS_PER_STEP } from "../../shared/limits.js";
import { storageError } from "../../shared/sqlite/storage-error.js";
import type { HardState, SnapshotMetadata } from "../raft/types.js";
import type { FileIdentity } from "./identity.js";
import { decodePosition, encodePosition } from "./position.js";
import { checkRow, cutRow, hardStateRow, readHeader, sealRow } from "./row.js";
import { prepareSchema } from "./schema.js";
import { checkWal } from "./wal-check.js";

/** Format of the log's file; written into it, and the only one that is opened. */
const LOG_FORMAT = 1;

const PAGE_BYTES = 4096;

const SCHEMA = `
  CREATE TABLE entries (first INTEGER PRIMARY KEY, data BLOB NOT NULL);
  CREATE TABLE hard_state (id INTEGER PRIMARY KEY CHECK (id = 1), data BLOB NOT NULL);
  CREATE TABLE base (id INTEGER PRIMARY KEY CHECK (id = 1), data BLOB NOT NULL);
`;

/** Which file, and whose. */
export interface LogPlace {
  readonly path: string;
  readonly identity: FileIdentity;
  /** Where a new log begins. */
  readonly initial: SnapshotMetadata;
  /** Whether a log that isn't there is made. */
  readonly create: boolean;
}

/** What a log holds besides its entries. */
export interface LogHead {
  readonly base: SnapshotMetadata;
  /** All zero in a new log. */
  readonly hardState: HardState;
  /** Sequence number of the newest append; 0 in a new log. */
  readonly sequence: number;
}

const NOTHING_WRITTEN = { hardState: { term: 0, vote: 0, commit: 0 }, sequence: 0 };

function prepare(db: Database.Database) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),
    insert: db.prepare<[number, Buffer]>("INSERT INTO entries VALUES (?, ?)"),
    replace: db.prepare<[Buffer, number]>("UPDATE entries SET data = ? WHERE first = ?"),
    cut: db.prepare<[number]>("DELETE FROM entries WHERE first >= ?"),
    before: db.prepare<[number], Row>(
      "SELECT first, data FROM entries WHERE first < ? ORDER BY first DESC LIMIT 1",
    ),
    all: db.prepare<[], Row>("SELECT first, data FROM entries ORDER BY first"),
    covering: db
      .prepare<[number], number | null>("SELECT max(first) FROM entries WHERE first <= ?")
      .pluck(),
    step: db
      .prepare<[number, number], number>(
        "SELECT first FROM entries WHERE first < ? ORDER BY first LIMIT 1 OFFSET ?",
      )
      .pluck(),
    drop: db.prepare<[number]>("DELETE FROM entries WHERE first < ?"),
    setHard: db.prepare<[Buffer]>("INSERT OR REPLACE INTO hard_state VALUES (1, ?)"),
    hard: db.prepare<[], Buffer>("SELECT data FROM hard_state").pluck(),
    setBase: db.prepare<[Buffer]>("INSERT OR REPLACE INTO base VALUES (1, ?)"),
    base: db.prepare<[], Buffer>("SELECT data FROM base").pluck(),
  };
}

interface Row {
  readonly first: number;
  readonly data: Buffer;
}

/**
 * The log's SQLite file. Everything here is synchronous and meant for a worker thread.
 * Each writing call is one fsynced transaction; a call that throws leaves the file as it
 * was. After a full disk it may be tried again; after any other error the file is not to be
 * written any more.
 */
export class LogFile {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #sql: ReturnType<typeof prepare>;
  /** Index of the last entry in the file. */
  #last = 0;
  #base: SnapshotMetadata;
  /** The row that has the newest hard state. */
  #newest: Buffer | null;
  /** Rows that begin below this are wholly compacted and still to be deleted; 0 for none. */
  #dropBelow = 0;
  #walBytes = 0;

  private constructor(path: string, db: Database.Database, initial: SnapshotMetadata) {
    this.path = path;
    this.#db = db;
    this.#sql = prepare(db);
    const base = this.#sql.base.get();
    if (base === undefined) this.#sql.setBase.run(encodePosition(initial));
    this.#base = base === undefined ? initial : decodePosition(base, `the log ${path}: its base`);
    this.#newest = this.#sql.hard.get() ?? null;
    const wrong = this.#newest === null ? null : checkRow(this.#newest, 0);
    if (wrong !== null) throw this.#corrupt(`its hard state: ${wrong}`);
  }

  /**
   * Opens or makes a log. Throws DATA_LOSS for a damaged file, or a missing one that must be
   * there; FAILED_PRECONDITION for one of another format or member. Entries are verified by
   * `rows`, which must be read to the end before anything is written.
   */
  static open({ path, identity, initial, create }: LogPlace): LogFile {
    let db: Database.Database | undefined;
    try {
      checkWal(path, PAGE_BYTES);
      db = new Database(path, { timeout: 0, fileMustExist: !create });
      db.pragma(`page_size = ${PAGE_BYTES}`);
      db.pragma("locking_mode = EXCLUSIVE");
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = FULL");
      db.pragma("wal_autocheckpoint = 0");
      prepareSchema(db, {
        what: "log",
        path,
        format: LOG_FORMAT,
        identity,
        create,
        schema: SCHEMA,
      });
      return new LogFile(path, db, initial);
    } catch (error) {
      db?.close();
      throw storageError("can't open the log", path, error);
    }
  }

  /**
   * Reads and verifies every row that holds entries past the base, in order; afterwards
   * `head` is known and the write-ahead log is empty. Throws DATA_LOSS naming the file and
   * the entry.
   */
  *rows(): Generator<Buffer, void> {
    const base = this.#base.index;
    let next = 0;
    for (const { first, data } of this.#sql.all.iterate()) {
      const wrong = checkRow(data, first);
      if (wrong !== null) throw this.#corrupt(`entry ${first}: ${wrong}`);
      const expected = next === 0 ? Math.min(first, base + 1) : next;
      if (first !== expected) {
        throw this.#corrupt(`entry ${expected} is missing; the next one is ${first}`);
      }
      next = first + readHeader(data).count;
      if (sequenceOf(data) > sequenceOf(this.#newest)) this.#newest = data;
      if (next > base + 1) yield data;
    }
    this.#last = Math.max(next - 1, base);
    const { commit } = this.head.hardState;
    if (commit > this.#last) {
      throw this.#corrupt(`it ends at entry ${this.#last}, but entry ${commit} was committed`);
    }
    this.#dropBelow = this.#firstToKeep();
    this.#db.pragma("wal_checkpoint(TRUNCATE)");
  }

  /** Base and hard state; final once `rows` has been read to the end. */
  get head(): LogHead {
    return {
      base: this.#base,
      ...(this.#newest === null ? NOTHING_WRITTEN : readHeader(this.#newest)),
    };
  }

  /**
   * Appends rows in one transaction. A row replaces everything from its first entry on;
   * a row without entries only sets the hard state.
   */
  append(rows: readonly Buffer[]): void {
    const last = this.#last;
    const only = rows.length === 1 ? rows[0] : undefined;
    try {
      if (only !== undefined && readHeader(only).first === last + 1) {
        this.#put(only);
      } else {
        this.#transaction(() => {
          for (const row of rows) this.#put(row);
        });
      }
    } catch (error) {
      this.#last = last;
      throw error;
    }
    for (const row of rows) this.#countWal(row.length);
    this.#newest = rows.at(-1) ?? this.#newest;
  }

  /** Replaces the whole log by `base`, and the hard state by that of the row `hard`. */
  reset(base: SnapshotMetadata, hard: Buffer): void {
    sealRow(hard);
    this.#transaction(() => {
      this.#sql.cut.run(0);
      this.#sql.setBase.run(encodePosition(base));
      this.#sql.setHard.run(hard);
    });
    this.#base = base;
    this.#newest = hard;
    this.#last = base.index;
    this.#dropBelow = 0;
    this.#countWal(0);
  }

  /** Moves the base up to `index`, whose term is `term`. Rows are deleted by `tidy`. */
  compact(index: number, term: number): void {
    assert(index <= this.#last, () => `compaction at ${index}, the log ends at ${this.#last}`);
    if (index <= this.#base.index) return;
    const base = { ...this.#base, index, term };
    this.#transaction(() => {
      this.#sql.setBase.run(encodePosition(base));
      if (this.#newest !== null) this.#sql.setHard.run(hardStateRow(this.#newest));
    });
    this.#base = base;
    this.#dropBelow = this.#firstToKeep();
    this.#countWal(0);
  }

  /** Bytes that the write-ahead log has grown by since the last checkpoint, about. */
  get walBytes(): number {
    return this.#walBytes;
  }

  /** Whether compacted rows are still to be deleted. */
  get untidy(): boolean {
    return this.#dropBelow !== 0;
  }

  /** Deletes a bounded number of compacted rows. */
  tidy(): void {
    if (this.#dropBelow === 0) return;
    const end = this.#sql.step.get(this.#dropBelow, LOG_COMPACTION_ROWS_PER_STEP);
    this.#sql.drop.run(end ?? this.#dropBelow);
    if (end === undefined) this.#dropBelow = 0;
    this.#countWal(0);
  }

  /** Moves the write-ahead log into the database, so that its file is used from the start. */
  checkpoint(): void {
    this.#db.pragma("wal_checkpoint(PASSIVE)");
    this.#walBytes = 0;
  }

  /** Closes the file; SQLite checkpoints and removes the write-ahead log. */
  close(): void {
    this.#db.close();
  }

  #put(row: Buffer): void {
    const { count, first } = readHeader(row);
    sealRow(row);
    if (count === 0) {
      this.#sql.setHard.run(row);
      return;
    }
    assert(
      first > this.#base.index && first <= this.#last + 1,
      () => `append at ${first}, the log goes from ${this.#base.index + 1} to ${this.#last}`,
    );
    if (first <= this.#last) this.#truncate(first);
    this.#sql.insert.run(first, row);
    this.#last = first + count - 1;
  }

  /** Removes the entries from `first` on; a row that straddles it is rewritten. */
  #truncate(first: number): void {
    this.#sql.cut.run(first);
    const row = this.#sql.before.get(first);
    if (row === undefined) return;
    const header = readHeader(row.data);
    if (header.first + header.count > first) {
      this.#sql.replace.run(cutRow(row.data, first), row.first);
    }
  }

  /** Rows below this one hold nothing past the base. */
  #firstToKeep(): number {
    if (this.#base.index >= this.#last) return this.#last + 1;
    return this.#sql.covering.get(this.#base.index + 1) ?? 0;
  }

  #transaction(work: () => void): void {
    this.#sql.begin.run();
    try {
      work();
      this.#sql.commit.run();
    } catch (error) {
      if (this.#db.inTransaction) this.#sql.rollback.run();
      throw error;
    }
  }

  #countWal(rowBytes: number): void {
    this.#walBytes += PAGE_BYTES + rowBytes;
  }

  #corrupt(text: string): AtollError {
    return new AtollError(
      "DATA_LOSS",
      `the log ${this.path} is corrupt: ${text}; this member must rejoin as a new one`,
    );
  }
}

function sequenceOf(row: Buffer | null): number {
  return row === null ? 0 : readHeader(row).sequence;
}
