import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AtollError, errorText } from "../../shared/errors.js";
import { MAX_FILES_SET_ASIDE } from "../../shared/limits.js";
import { type FolderLock, isInUse, lockFolder } from "../../shared/sqlite/folder-lock.js";

const VIEW = "view.db";
const LOCK = "lock.db";
/** What SQLite keeps beside a database. */
const COMPANIONS = ["-wal", "-shm"];
const ASIDE = ".damaged-";

/**
 * A gateway's data directory, this process's own until it is closed.
 *
 * | file | what |
 * |---|---|
 * | `view.db` | the view |
 * | `lock.db` | its lock stands for the whole directory |
 * | `view.db.damaged-TIME` | a file that was no use, for people to look at |
 */
export class DataFolder {
  readonly path: string;
  readonly #lock: FolderLock;

  private constructor(path: string, lock: FolderLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Takes the directory, which is made if it isn't there. Throws FAILED_PRECONDITION when
   * another process has it, INTERNAL for what else is wrong with it.
   */
  static open(path: string): DataFolder {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      const text = `can't make the data directory ${path}: ${errorText(error)}`;
      throw new AtollError("INTERNAL", text, { cause: error });
    }
    try {
      return new DataFolder(path, lockFolder(path, "gateway"));
    } catch (error) {
      if (isInUse(error)) throw error;
      const { code, message } = AtollError.from(error);
      if (code !== "DATA_LOSS") throw new AtollError("INTERNAL", message, { cause: error });
      // Whoever had the lock would have been met before the damage was.
      setAside(path, LOCK);
      return new DataFolder(path, lockFolder(path, "gateway"));
    }
  }

  get view(): string {
    return join(this.path, VIEW);
  }

  /** Puts the view's file aside under another name, which it gives. It must be shut. */
  setAside(): string {
    const name = setAside(this.path, VIEW);
    const old = readdirSync(this.path).filter(
      (file) => file.startsWith(VIEW + ASIDE) && !isCompanion(file),
    );
    for (const file of old.sort().slice(0, -MAX_FILES_SET_ASIDE)) {
      for (const end of ["", ...COMPANIONS]) rmSync(join(this.path, file + end), { force: true });
    }
    return join(this.path, name);
  }

  /** Gives the directory back. Idempotent. */
  close(): void {
    this.#lock.close();
  }
}

function isCompanion(file: string): boolean {
  return COMPANIONS.some((end) => file.endsWith(end));
}

function setAside(folder: string, file: string): string {
  const time = new Date().toISOString().replaceAll(":", "-");
  const aside = `${file}${ASIDE}${time}`;
  const there = new Set(readdirSync(folder));
  for (const end of ["", ...COMPANIONS]) {
    if (there.has(file + end)) renameSync(join(folder, file + end), join(folder, aside + end));
  }
  return aside;
}
