import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../../peers/paths.js";
import type { Order, Tiding } from "./follower-process.js";
import type { Followed, FollowJob } from "./followers.js";

const PROGRAM = join(REPOSITORY_ROOT, "dist/test/bench/load/follower-process.js");
/** Processes among which subscribers are spread. */
const PROCESSES = 2;

type Of<K extends Tiding["kind"]> = Extract<Tiding, { kind: K }>;

/** One process full of subscribers. */
class FollowerProcess {
  readonly #child: ChildProcess;
  readonly #told: Tiding[] = [];
  #wake = (): void => {};

  constructor() {
    this.#child = fork(PROGRAM, { serialization: "advanced" });
    this.#child.on("message", (tiding: Tiding) => this.#hear(tiding));
    this.#child.once("exit", (code) => {
      this.#hear({ kind: "failed", reason: `a process of subscribers ended with ${code}` });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(order: Order): void {
    this.#child.send(order);
  }

  /** Resolves with what it tells of a kind; rejects when it fails, or takes too long. */
  async until<K extends Tiding["kind"]>(kind: K, timeoutMs: number): Promise<Of<K>> {
    const giveUpMs = performance.now() + timeoutMs;
    for (;;) {
      const failed = this.#told.find((tiding) => tiding.kind === "failed");
      if (failed?.kind === "failed") throw new Error(failed.reason);
      const tiding = this.#told.find((candidate) => candidate.kind === kind);
      if (tiding !== undefined) return tiding as Of<K>;
      const leftMs = giveUpMs - performance.now();
      if (leftMs <= 0) throw new Error(`subscribers didn't ${kind} in ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.connected) this.#child.disconnect();
    await exited;
  }

  #hear(tiding: Tiding): void {
    this.#told.push(tiding);
    this.#wake();
  }
}

/** Subscribers in processes of their own. */
export class FollowerProcesses {
  readonly #processes: readonly FollowerProcess[];

  private constructor(processes: readonly FollowerProcess[]) {
    this.#processes = processes;
  }

  /** Resolves when all subscriptions stand. */
  static async start(job: FollowJob, timeoutMs: number): Promise<FollowerProcesses> {
    const processes = Array.from({ length: PROCESSES }, () => new FollowerProcess());
    const started = new FollowerProcesses(processes);
    try {
      for (const [index, process] of processes.entries()) {
        const subscribers = Math.floor((job.subscribers + index) / PROCESSES);
        process.tell({ kind: "open", job: { ...job, subscribers } });
      }
      await Promise.all(processes.map((process) => process.until("stand", timeoutMs)));
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  /** Resolves when they count. */
  async begin(): Promise<void> {
    for (const process of this.#processes) process.tell({ kind: "begin" });
    await Promise.all(this.#processes.map((process) => process.until("begun", BEGIN_MS)));
  }

  /** Resolves when every subscriber has the last state of all groups. */
  async haveAll(timeoutMs: number): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.until("have all", timeoutMs)));
  }

  /** What came to each process's subscribers, see Followers.end; ends their subscriptions. */
  async end(sinceMs: readonly Float64Array[]): Promise<readonly Followed[]> {
    for (const process of this.#processes) process.tell({ kind: "end", sinceMs });
    const tidings = this.#processes.map((process) => process.until("ended", END_MS));
    return (await Promise.all(tidings)).map(({ followed }) => followed);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }
}

const BEGIN_MS = 10_000;
const END_MS = 60_000;
