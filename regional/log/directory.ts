import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { AtollError, errorText } from "../../shared/errors.js";
import { type FolderLock, lockFolder } from "../../shared/sqlite/folder-lock.js";
import { replaceFile, syncDirectory } from "./durable-files.js";
import { type FileIdentity, fileIdentity, type Identity } from "./identity.js";

/** Format of the directory as a whole; in its VERSION file, and the only one that is opened. */
const DIRECTORY_FORMAT = 1;

const CONDEMNED = "DIVERGED";

const versionSchema = z.object({ format: z.number(), cluster: z.string(), member: z.string() });

/**
 * A member's data directory: locked for this process until it is closed or the process
 * dies, and known to be of this format and of this member.
 *
 * | file | what |
 * |---|---|
 * | `VERSION` | JSON: format number, cluster id, member id; written last when it is made |
 * | `lock.db` | a SQLite file whose lock stands for the whole directory |
 * | `log.db` | the durable log |
 * | `state.db` | the state database |
 * | `incoming.db`, `incoming.json` | a snapshot that is being received, and its manifest |
 * | `outgoing/` | a snapshot that is being sent |
 * | `INSTALL` | the decision to install it: its position |
 * | `SPARE` | room that is given up when the disk is full |
 * | `DIVERGED` | why the member must not start again: its state is not its group's |
 */
export class DataDirectory {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly #lock: FolderLock;
  #isNew: boolean;

  private constructor(path: string, identity: FileIdentity, lock: FolderLock, isNew: boolean) {
    this.path = path;
    this.identity = identity;
    this.#lock = lock;
    this.#isNew = isNew;
  }

  /**
   * Takes the directory at `path`, which is made if it isn't there. Throws
   * FAILED_PRECONDITION when it can't be used, is in use, or is another version's, another
   * cluster's or another member's; the message names it and what would be right. Throws
   * DATA_LOSS with the reason when it was condemned.
   */
  static open(path: string, identity: Identity): DataDirectory {
    makeDirectory(path);
    const lock = lockFolder(path, "member");
    try {
      const own = fileIdentity(identity);
      const isNew = !checkVersion(join(path, "VERSION"), own);
      refuseCondemned(join(path, CONDEMNED));
      return new DataDirectory(path, own, lock, isNew);
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  /** True until `establish`: nothing in it was ever relied on. */
  get isNew(): boolean {
    return this.#isNew;
  }

  get log(): string {
    return join(this.path, "log.db");
  }

  get state(): string {
    return join(this.path, "state.db");
  }

  get incoming(): string {
    return join(this.path, "incoming.db");
  }

  get incomingManifest(): string {
    return join(this.path, "incoming.json");
  }

  get outgoing(): string {
    return join(this.path, "outgoing");
  }

  get installMarker(): string {
    return join(this.path, "INSTALL");
  }

  /** Writes VERSION: from now on the log must be there. */
  establish(): void {
    syncDirectory(this.path);
    const content = { format: DIRECTORY_FORMAT, ...this.identity };
    replaceFile(join(this.path, "VERSION"), Buffer.from(`${JSON.stringify(content)}\n`));
    this.#isNew = false;
  }

  /** Writes down that the member must never start on this directory again, and why. */
  condemn(reason: string): void {
    replaceFile(join(this.path, CONDEMNED), Buffer.from(`${reason}\n`));
  }

  /** Gives the directory back. Idempotent. */
  close(): void {
    this.#lock.close();
  }
}

function refuseCondemned(file: string): void {
  if (!existsSync(file)) return;
  const reason = readFileSync(file, "utf8").trim();
  throw new AtollError("DATA_LOSS", `${file} forbids to start: ${reason}`);
}

function makeDirectory(path: string): void {
  try {
    if (mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined) {
      syncDirectory(dirname(path));
    }
  } catch (error) {
    throw new AtollError(
      "FAILED_PRECONDITION",
      `can't make the data directory ${path}: ${errorText(error)}`,
      { cause: error },
    );
  }
}

/** False when there is no VERSION yet. */
function checkVersion(file: string, own: FileIdentity): boolean {
  if (!existsSync(file)) return false;
  const found = readVersion(file);
  if (found.format !== DIRECTORY_FORMAT) {
    throw new AtollError(
      "FAILED_PRECONDITION",
      `${file} says format ${found.format}; this program reads format ${DIRECTORY_FORMAT}`,
    );
  }
  for (const key of ["cluster", "member"] as const) {
    if (found[key] === own[key]) continue;
    throw new AtollError(
      "FAILED_PRECONDITION",
      `${file} says ${key} ${found[key]}, but this is ${key} ${own[key]}: ` +
        "it is another member's data directory",
    );
  }
  return true;
}

function readVersion(file: string): z.infer<typeof versionSchema> {
  try {
    return versionSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const example = '{"format":1,"cluster":"…","member":"…"}';
    throw new AtollError("DATA_LOSS", `${file} can't be read as ${example}: ${errorText(error)}`, {
      cause: error,
    });
  }
}
