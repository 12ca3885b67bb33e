import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { STOP_WITH_PARENT } from "../../shared/lifecycle.js";

/** A log file larger than this is set aside as NAME.1 when its process starts. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** Time that a process gets to stop before it is ended by force. */
const STOP_TIMEOUT_MS = 12_000;
/** Pause before a process that died is started again; doubles up to the second figure. */
const RESTART_MS = 500;
const MAX_RESTART_MS = 10_000;

/** How one process is started. */
export interface ChildSpec {
  readonly name: string;
  readonly entry: string;
  /** Options of node itself. */
  readonly nodeOptions: readonly string[];
  readonly args: readonly string[];
  readonly logFile: string;
}

/** Told when a process died by itself; `again` is when it is started again, in ms. */
export type DeathListener = (name: string, how: string, againMs: number) => void;

function openLog(file: string): number {
  try {
    if (statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return openSync(file, "a");
}

/** One process of the playground: started, started again when it dies, stopped. */
export class Child {
  readonly spec: ChildSpec;
  readonly #onDeath: DeathListener;
  #process: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  #deaths = 0;

  constructor(spec: ChildSpec, onDeath: DeathListener) {
    this.spec = spec;
    this.#onDeath = onDeath;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const log = openLog(this.spec.logFile);
    // A group of its own: a Ctrl-C in the terminal reaches the playground, which stops its children in order.
    const child = spawn(
      process.execPath,
      [...this.spec.nodeOptions, this.spec.entry, ...this.spec.args],
      {
        stdio: ["pipe", log, log],
        detached: true,
        env: { ...process.env, [STOP_WITH_PARENT]: "1" },
      },
    );
    closeSync(log);
    this.#process = child;
    child.on("error", () => {});
    child.stdin?.on("error", () => {});
    child.once("exit", (code, signal) => this.#died(signal ?? `exit code ${code}`));
  }

  #died(how: string): void {
    this.#process = undefined;
    if (this.#stopping) return;
    const againMs = Math.min(RESTART_MS * 2 ** this.#deaths, MAX_RESTART_MS);
    this.#deaths += 1;
    this.#onDeath(this.spec.name, how, againMs);
    this.#restart = setTimeout(() => this.start(), againMs);
  }

  /** Ends the process: SIGTERM, and SIGKILL if it hangs. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      child.once("exit", () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill("SIGTERM");
    });
  }
}
