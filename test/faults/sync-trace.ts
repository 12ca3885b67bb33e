import { readFileSync } from "node:fs";

/** One fsync or fdatasync of a log file, in seconds since 1970 as the kernel's tracer saw it. */
export interface SyncCall {
  readonly beganAt: number;
  readonly returnedAt: number;
}

/**
 * strace's options for what `readSyncs` reads; the trace goes to `file`. The tracer runs
 * beside the program (-D), which so stays the child that signals reach.
 */
export function straceArgs(file: string): string[] {
  return [
    "-D",
    "-f",
    "--seccomp-bpf",
    "-y",
    "-ttt",
    "-T",
    "-e",
    "trace=fsync,fdatasync",
    "-o",
    file,
  ];
}

/** Resolves when the tracer has written the end of the process, and with it all before. */
export async function traceEnded(file: string, pid: number): Promise<void> {
  const end = new RegExp(`^${pid} .*\\+\\+\\+ (exited|killed)`, "m");
  while (!end.test(readFileSync(file, "utf8")))
    await new Promise((resolve) => setTimeout(resolve, 20));
}

const WHOLE = /^(\d+) +([\d.]+) f(?:data)?sync\(\d+<([^>]*)>\) += 0 <([\d.]+)>/;
const BEGUN = /^(\d+) +([\d.]+) f(?:data)?sync\(\d+<([^>]*)> <unfinished/;
const RESUMED = /^(\d+) +([\d.]+) <\.\.\. f(?:data)?sync resumed>.*= 0 </;

/**
 * The syncs of files whose path contains `part` that returned without an error, from a
 * trace of strace. A call that another thread interrupted stands on two lines there.
 */
export function readSyncs(file: string, part: string): SyncCall[] {
  const calls: SyncCall[] = [];
  const begun = new Map<string, number>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const whole = WHOLE.exec(line);
    if (whole?.[3]?.includes(part) === true) {
      const beganAt = Number(whole[2]);
      calls.push({ beganAt, returnedAt: beganAt + Number(whole[4]) });
      continue;
    }
    const start = BEGUN.exec(line);
    if (start?.[3]?.includes(part) === true) begun.set(start[1] as string, Number(start[2]));
    const end = RESUMED.exec(line);
    const beganAt = begun.get(end?.[1] ?? "");
    if (end !== null && beganAt !== undefined) {
      begun.delete(end[1] as string);
      calls.push({ beganAt, returnedAt: Number(end[2]) });
    }
  }
  return calls;
}
