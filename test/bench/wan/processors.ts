import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** What processes used of the processors between two looks, as shares of one processor. */
export interface ProcessorUse {
  readonly seconds: number;
  /** By the name under which processes were given, all of one name together. */
  readonly shares: Readonly<Record<string, number>>;
  /** What the whole machine used, others' processes included. */
  readonly machine: number;
  readonly processors: number;
  /** The machine's load average over the last minute, in the end. */
  readonly load: number;
}

/** Linux counts a process's time in hundredths of a second, whatever the kernel's own tick. */
const TICK_MS = 10;
/** Fields 14 and 15 of /proc/PID/stat (proc_pid_stat(5)), counted from behind the name. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

function processMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD])) * TICK_MS;
}

function machineMs(): number {
  return cpus().reduce(
    (sum, { times }) => sum + times.user + times.nice + times.sys + times.irq,
    0,
  );
}

/** Looks at what processes use of the processors; Linux only. */
export class ProcessorWatch {
  readonly #pids: ReadonlyMap<string, readonly number[]>;
  #beganMs = 0;
  #used = new Map<string, number>();
  #machineMs = 0;

  /** `pids`: process ids by the name that they are reported under. */
  constructor(pids: ReadonlyMap<string, readonly number[]>) {
    this.#pids = pids;
    this.begin();
  }

  /** Begins to count anew. */
  begin(): void {
    this.#beganMs = performance.now();
    this.#used = this.#look();
    this.#machineMs = machineMs();
  }

  /** What was used since `begin`. */
  use(): ProcessorUse {
    const passedMs = performance.now() - this.#beganMs;
    const shares: Record<string, number> = {};
    for (const [name, ms] of this.#look()) {
      shares[name] = (ms - (this.#used.get(name) ?? 0)) / passedMs;
    }
    return {
      seconds: passedMs / 1_000,
      shares,
      machine: (machineMs() - this.#machineMs) / passedMs,
      processors: cpus().length,
      load: loadavg()[0] ?? Number.NaN,
    };
  }

  #look(): Map<string, number> {
    const used = new Map<string, number>();
    for (const [name, pids] of this.#pids) {
      used.set(
        name,
        pids.reduce((sum, pid) => sum + processMs(pid), 0),
      );
    }
    return used;
  }
}
