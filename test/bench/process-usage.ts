import { readFile } from "node:fs/promises";

/** The kernel's clock ticks in a second (USER_HZ), the unit of /proc/PID/stat. */
const TICKS_PER_SECOND = 100;
const MIB = 1024 * 1024;
const KIB = 1024;

/** CPU time that a process has used so far, in seconds, by /proc. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  // proc(5): the name in parentheses may hold spaces; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Memory that a process holds, in MiB. */
export async function residentMib(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8");
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1]) * KIB) / MIB;
}

/** CPU time of several processes between two moments. */
export class CpuMeter {
  readonly #pids: readonly number[];
  readonly #before: readonly number[];
  readonly #beganMs = performance.now();

  private constructor(pids: readonly number[], before: readonly number[]) {
    this.#pids = pids;
    this.#before = before;
  }

  static async start(pids: readonly number[]): Promise<CpuMeter> {
    return new CpuMeter(pids, await Promise.all(pids.map(cpuSeconds)));
  }

  /** CPU seconds of each since then, and of each a second of time. */
  async read(): Promise<{ readonly seconds: number[]; readonly share: number[] }> {
    const now = await Promise.all(this.#pids.map(cpuSeconds));
    const elapsed = (performance.now() - this.#beganMs) / 1_000;
    const seconds = now.map((value, index) => value - (this.#before[index] ?? 0));
    return { seconds, share: seconds.map((value) => value / elapsed) };
  }
}
