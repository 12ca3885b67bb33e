import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type KeyFiles, keyFiles } from "../../global/trust/key-files.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { parseTopology, type Topology } from "../../shared/topology.js";

/** Format of a playground's data directory; raised when its layout changes. */
const FORMAT = "atoll-playground 1";

/** A playground's data directory, locked for this process. */
export class DataDir {
  readonly path: string;
  #lock: Database.Database | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Opens the directory, or makes it, and locks it. Throws FAILED_PRECONDITION when
   * it is of another version, unreadable, or in use, naming it.
   */
  static open(path: string): DataDir {
    const dir = new DataDir(path);
    try {
      mkdirSync(path, { recursive: true });
      dir.#checkFormat();
      dir.#takeLock();
    } catch (error) {
      if (error instanceof AtollError) throw error;
      throw new AtollError(
        "FAILED_PRECONDITION",
        `can't use the data directory ${path}: ${errorText(error)}`,
        {
          cause: error,
        },
      );
    }
    return dir;
  }

  #checkFormat(): void {
    const file = join(this.path, "FORMAT");
    const found = readIfThere(file)?.trim();
    if (found === undefined) {
      if (readIfThere(this.topologyFile) !== undefined) {
        throw new AtollError(
          "FAILED_PRECONDITION",
          `${this.path} has a topology.json but no FORMAT file; it is not a playground of this version`,
        );
      }
      writeWhole(file, `${FORMAT}\n`);
    } else if (found !== FORMAT) {
      throw new AtollError(
        "FAILED_PRECONDITION",
        `the data directory ${this.path} has format "${found}"; this version reads "${FORMAT}": choose another --data-dir`,
      );
    }
  }

  #takeLock(): void {
    const file = join(this.path, "playground.lock");
    const lock = new Database(file, { timeout: 0 });
    try {
      // SQLite's lock goes with the process, however it dies; a process id in a file would outlive it.
      lock.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      lock.close();
      throw new AtollError(
        "FAILED_PRECONDITION",
        `the data directory ${this.path} is in use by another playground`,
        {
          cause: error,
        },
      );
    }
    this.#lock = lock;
  }

  get topologyFile(): string {
    return join(this.path, "topology.json");
  }

  /** The stored topology; undefined in a new directory. */
  readTopology(): Topology | undefined {
    const text = readIfThere(this.topologyFile);
    return text === undefined ? undefined : parseTopology(text, this.topologyFile);
  }

  /** Stores the topology, whole or not at all. */
  writeTopology(topology: Topology): void {
    writeWhole(this.topologyFile, `${JSON.stringify(topology, null, 2)}\n`);
  }

  /** Where the keys are that regions and operators sign with. */
  get keys(): KeyFiles {
    return keyFiles(this.path);
  }

  /** The folder of one process's own data. */
  processDir(region: string, name: string): string {
    const path = join(this.path, region, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** The file that takes the log lines of one process. */
  logFile(name: string): string {
    const folder = join(this.path, "logs");
    mkdirSync(folder, { recursive: true });
    return join(folder, `${name}.log`);
  }

  /** Gives the lock back. */
  release(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function writeWhole(file: string, text: string): void {
  const next = `${file}.next`;
  writeFileSync(next, text);
  const handle = openSync(next, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(next, file);
}
