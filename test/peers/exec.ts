import { execFile } from "node:child_process";

/** How a short-lived program ended. */
export interface ExecResult {
  /** Exit code; -1 when it could not be started or a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Text for its standard input, which is closed afterwards. */
  readonly input?: string;
  /** Milliseconds until it is killed. */
  readonly timeoutMs?: number;
}

/** Command-line options from names and values: `{name: "a"}` gives `--name a`. */
export function flags(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Runs a program to its end and never rejects: a failure is in the result. */
export function exec(
  program: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        cwd: options.cwd,
        env: options.env ?? process.env,
        timeout: options.timeoutMs ?? 60_000,
        killSignal: "SIGKILL",
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        const unstarted = error !== null && stderr === "" && code === -1;
        resolve({ code, stdout, stderr: unstarted ? error.message : stderr });
      },
    );
    child.stdin?.on("error", () => {}); // it may end before it has read its input
    child.stdin?.end(options.input ?? "");
  });
}
