import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Child } from "../peers/child.js";
import { peerTool } from "../peers/tools.js";

/** The files of a member's log. */
export function logFiles(dataDir: string): readonly string[] {
  return ["log.db", "log.db-wal"].map((name) => join(dataDir, name));
}

/**
 * Makes system calls of a running process on certain files fail or wait, by strace: only the
 * threads that make such a call notice.
 */
export class DiskFault {
  readonly #strace: Child;

  private constructor(strace: Child) {
    this.#strace = strace;
  }

  /**
   * @param injection what strace's `inject` takes, such as
   *   `fdatasync:delay_enter=60s` or `fdatasync:error=EIO`
   */
  static async on(pid: number, files: readonly string[], injection: string): Promise<DiskFault> {
    const { path, env } = await peerTool("strace");
    const [calls = ""] = injection.split(":");
    // Files are never written by the main thread; traced, it would be slowed down a lot.
    const threads = readdirSync(`/proc/${pid}/task`).filter((thread) => thread !== `${pid}`);
    const args = [
      ...threads.flatMap((thread) => ["-p", thread]),
      ...files.flatMap((file) => ["-P", file]),
      ...["-e", `trace=${calls}`, "-e", `inject=${injection}`, "-o", "/dev/null"],
    ];
    const strace = new Child("strace", path, args, env);
    const attached = (): number => strace.output().split(" attached").length - 1;
    await strace.until(() => Promise.resolve(attached() >= threads.length), 20_000);
    return new DiskFault(strace);
  }

  /** Lets go of the process; calls that wait are made now. */
  async end(): Promise<void> {
    await this.#strace.stop();
  }
}
