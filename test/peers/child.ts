import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Lines of output that are kept for an error's text. */
const KEPT_LINES = 200;
const STOP_MS = 10_000;

/** Started processes that still run; none outlives the one that runs the tests. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A program that runs in the background until a test ends it. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #hasExited = false;

  constructor(name: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = name;
    this.#process = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    running.add(this.#process);
    this.#exited = new Promise((resolve) => {
      const end = (): void => {
        this.#hasExited = true;
        running.delete(this.#process);
        resolve();
      };
      this.#process.once("exit", end);
      this.#process.once("error", (error) => {
        this.#keep(error.message);
        end();
      });
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) this.#read(stream);
  }

  #read(stream: NodeJS.ReadableStream | null): void {
    let rest = "";
    stream?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#keep(line);
    });
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const listener of this.#listeners) listener(line);
  }

  /** The process id; 0 when it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** Exit code; null when it still runs or a signal ended it. */
  get exitCode(): number | null {
    return this.#process.exitCode;
  }

  /** Resolves when it has ended, however that came. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  /** Its last lines of output, both streams. */
  output(): string {
    return this.#lines.join("\n");
  }

  /** Calls `listener` with each further line of output; gives a function that ends that. */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends a signal. SIGSTOP and SIGCONT pause and resume it. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#hasExited) this.#process.kill(signal);
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#exited;
  }

  /** Asks it to stop and waits; after a while it is killed and this rejects. */
  async stop(): Promise<void> {
    if (this.#hasExited) return;
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
    if (this.#process.signalCode === "SIGKILL") {
      throw new Error(`${this.name} did not stop within ${STOP_MS} ms:\n${this.output()}`);
    }
  }

  /**
   * Polls until `isReady`. Rejects with the last output when the process ends before,
   * or when it takes too long.
   */
  async until(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      if (this.#hasExited) {
        throw new Error(`${this.name} ended with ${this.exitCode}:\n${this.output()}`);
      }
      if (await isReady()) return;
      if (Date.now() > giveUpAt) {
        throw new Error(`${this.name} was not ready in ${timeoutMs} ms:\n${this.output()}`);
      }
      await Promise.race([once(AbortSignal.timeout(POLL_MS), "abort"), this.#exited]);
    }
  }
}

const POLL_MS = 40;

/** Whether an HTTP GET answers 200 with a body that `accepts`. */
export async function httpOk(
  url: string,
  accepts: (body: string) => boolean = () => true,
): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return response.ok && accepts(await response.text());
  } catch {
    return false;
  }
}
