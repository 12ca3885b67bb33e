import { existsSync } from "node:fs";
import type { Clock } from "../../shared/clock.js";
import { AtollError } from "../../shared/errors.js";
import { DataDirectory } from "../log/directory.js";
import { DurableLog, type LogHooks } from "../log/durable-log.js";
import type { Identity } from "../log/identity.js";
import type { ConfState, SnapshotMetadata } from "../raft/types.js";
import { Backend } from "./backend.js";
import type { BackendHooks } from "./backend-hooks.js";
import { IncomingSnapshot, removeStaged, stagedIndex } from "./incoming.js";
import { installSteps, resumeInstall, runInstall } from "./install.js";
import type { SnapshotManifest } from "./manifest.js";

/** How a member's storage is opened. */
export interface StorageOptions {
  /** Data directory; made when it isn't there. */
  readonly path: string;
  readonly identity: Identity;
  /** Membership that a new, empty log starts with (at index 0, term 0). */
  readonly initial: ConfState;
  readonly logHooks: LogHooks;
  readonly backendHooks: BackendHooks;
  /** For DurableLog.oldestPendingMs. */
  readonly clock?: Clock;
}

/** A member's log and state, opened together and known to fit each other. */
export class MemberStorage {
  readonly log: DurableLog;
  readonly #directory: DataDirectory;
  readonly #backendHooks: BackendHooks;
  #backend: Backend;
  #installing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(
    directory: DataDirectory,
    log: DurableLog,
    backend: Backend,
    hooks: BackendHooks,
  ) {
    this.#directory = directory;
    this.log = log;
    this.#backend = backend;
    this.#backendHooks = hooks;
  }

  /**
   * Opens a data directory: takes its lock, checks version and identity, completes a
   * half-done install, opens and verifies log and state, and refuses state that is behind
   * the log's base, past the log's end, or without its log. Rejects with an AtollError that
   * names the file; nothing is left open then.
   */
  static async open(options: StorageOptions): Promise<MemberStorage> {
    const directory = DataDirectory.open(options.path, options.identity);
    try {
      return await MemberStorage.#open(directory, options);
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  static async #open(directory: DataDirectory, options: StorageOptions): Promise<MemberStorage> {
    const decided = resumeInstall(directory);
    const openingLog = openLog(directory, options);
    const openingBackend = openBackend(directory, options.backendHooks);
    await Promise.allSettled([openingLog, openingBackend]);
    try {
      const log = await openingLog;
      const backend = await openingBackend;
      if (decided !== null) await completeInstall(directory, log, backend, decided);
      checkFit(directory, log, backend.loaded);
      if (directory.isNew) directory.establish();
      if (backend.loaded.index > 0) log.startFrom(backend.loaded);
      return new MemberStorage(directory, log, backend, options.backendHooks);
    } catch (error) {
      await openingBackend.then((backend) => backend.discard()).catch(() => undefined);
      await openingLog.then((log) => log.close()).catch(() => undefined);
      throw error;
    }
  }

  /** The state database; another one after `install`. */
  get backend(): Backend {
    return this.#backend;
  }

  /** The data directory. */
  get path(): string {
    return this.#directory.path;
  }

  /** Lets no later start use this directory; `reason` says why and what to do. */
  condemn(reason: string): void {
    this.#directory.condemn(reason);
  }

  /**
   * Begins to receive a snapshot, or goes on with it; one that was under way must be closed,
   * finished or aborted.
   */
  receive(manifest: SnapshotManifest): Promise<IncomingSnapshot> {
    return IncomingSnapshot.begin(this.#directory, manifest);
  }

  /** Index of a snapshot that was received in part; undefined if there is none. */
  stagedIndex(): number | undefined {
    return stagedIndex(this.#directory);
  }

  /** Drops what was received of a snapshot that nobody needs any more. */
  dropReceived(): void {
    removeStaged(this.#directory);
  }

  /** Where images for other members are kept. */
  get outgoingFolder(): string {
    return this.#directory.outgoing;
  }

  /**
   * Installs the snapshot that was received and finished: replaces the state database and
   * resets the log to its position. A crash at any moment leaves either the old member or
   * one whose next start completes the install. Afterwards `backend` is a new one, to be
   * loaded by the caller. Rejects naming the step that failed; the member must stop then.
   */
  install(position: SnapshotMetadata): Promise<void> {
    const installed = this.#installing.then(() => this.#install(position));
    this.#installing = installed.catch(() => undefined);
    return installed;
  }

  async #install(position: SnapshotMetadata): Promise<void> {
    const directory = this.#directory;
    await this.#backend.discard();
    await runInstall(directory, installSteps(directory, this.log, position));
    const backend = await openBackend(directory, this.#backendHooks);
    if (backend.loaded.index !== position.index || backend.loaded.term !== position.term) {
      await backend.discard();
      throw misfit(directory, `${directory.state} is not the snapshot at ${position.index}`);
    }
    this.#backend = backend;
    this.log.startFrom(backend.loaded);
  }

  /** Closes both, then gives the directory back. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#installing;
    await this.#backend.close();
    await this.log.close();
    this.#directory.close();
  }
}

/** As MemberStorage.open. */
export function openStorage(options: StorageOptions): Promise<MemberStorage> {
  return MemberStorage.open(options);
}

async function openLog(directory: DataDirectory, options: StorageOptions): Promise<DurableLog> {
  const { log: path, identity, isNew } = directory;
  if (!isNew && !existsSync(path)) {
    throw misfit(directory, `${path} is missing: a vote may be forgotten`);
  }
  const { initial: confState, logHooks: hooks, clock } = options;
  const initial = { index: 0, term: 0, confState };
  const place = { path, identity, initial, create: isNew, hooks };
  const log = await DurableLog.open(clock === undefined ? place : { ...place, clock });
  const { term, vote } = log.initialState().hardState;
  if (isNew && (log.lastIndex() > 0 || term > 0 || vote > 0)) {
    await log.close();
    throw misfit(directory, `${path} has been used, but VERSION is missing`);
  }
  return log;
}

function openBackend(directory: DataDirectory, hooks: BackendHooks): Promise<Backend> {
  return Backend.open({ path: directory.state, identity: directory.identity, hooks });
}

async function completeInstall(
  directory: DataDirectory,
  log: DurableLog,
  backend: Backend,
  position: SnapshotMetadata,
): Promise<void> {
  if (backend.loaded.index !== position.index || backend.loaded.term !== position.term) {
    throw misfit(
      directory,
      `${directory.state} stands at ${backend.loaded.index}, but ${directory.installMarker} ` +
        `decides for the snapshot at ${position.index}`,
    );
  }
  const steps = installSteps(directory, log, position);
  const last = steps.filter(({ name }) => name === "reset" || name === "forget");
  await runInstall(directory, last);
}

function checkFit(directory: DataDirectory, log: DurableLog, applied: SnapshotMetadata): void {
  const { state, log: path } = directory;
  const { index } = applied;
  if (index < log.base.index) {
    const text = `${state} holds state through ${index}, but ${path} begins after ${log.base.index}`;
    throw misfit(directory, text);
  }
  if (index > log.lastIndex()) {
    const text = `${state} holds state through ${index}, but ${path} ends at ${log.lastIndex()}`;
    throw misfit(directory, text);
  }
  if (index > 0 && log.term(index) !== applied.term) {
    throw misfit(
      directory,
      `${state} holds entry ${index} of term ${applied.term}, ${path} that of term ${log.term(index)}`,
    );
  }
}

function misfit(directory: DataDirectory, text: string): AtollError {
  return new AtollError(
    "DATA_LOSS",
    `the data directory ${directory.path} can't be used: ${text}; ` +
      "this member must rejoin as a new one, with an empty directory",
  );
}
