import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HELP } from "../../../regional/member/options.js";
import { freePorts } from "../../../shared/ports.js";
import { workerFile } from "../../../shared/worker.js";

/** The compiled program, since it starts worker threads. */
const PROGRAM = workerFile("../../../regional/main.js", import.meta.url);

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program; `onLine` sees each line of its log and the process's pid. */
function run(words: readonly string[], onLine?: (line: string, pid: number) => void): Promise<Run> {
  const child = spawn(process.execPath, [PROGRAM.pathname, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const before = stdout.length;
    stdout += chunk.toString();
    for (const line of stdout.slice(before).split("\n")) onLine?.(line, child.pid ?? 0);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.once("exit", (code) => resolve({ code, stdout, stderr })));
}

describe("the program regional", () => {
  let folder: string;
  let taken: Server;
  let takenPort: number;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atoll-program-"));
    [takenPort = 0] = await freePorts(1);
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(takenPort, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => taken.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  async function settings(name: string): Promise<string[]> {
    const [client, peer, http] = await freePorts(3);
    return [
      "--name",
      name,
      "--data-dir",
      join(folder, name),
      "--client",
      `127.0.0.1:${client}`,
      "--peer",
      `127.0.0.1:${peer}`,
      "--http",
      `127.0.0.1:${http}`,
    ];
  }

  it("prints its help and nothing else", async () => {
    expect(await run(["--help"])).toEqual({ code: 0, stdout: HELP, stderr: "" });
  });

  it("refuses an unknown option with exit code 1", async () => {
    const { code, stderr, stdout } = await run(["--naem", "x"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe("regional: Unknown option '--naem'; see regional --help\n");
  });

  it.each(["client", "peer", "http"])(
    "names the %s address when its port is taken",
    async (kind) => {
      const words = await settings(`taken-${kind}`);
      const { code, stderr } = await run([...words, `--${kind}`, `127.0.0.1:${takenPort}`]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^regional: can't listen .*127\.0\.0\.1:\d+.*\n$/);
      expect(stderr).toContain(`127.0.0.1:${takenPort}`);
    },
  );

  it("says that it is ready, stops cleanly at SIGTERM, twice too, and starts again", async () => {
    const words = await settings("steady");
    for (const signals of [1, 2]) {
      const { code, stdout, stderr } = await run(words, (line, pid) => {
        if (!line.includes('"msg":"ready"')) return;
        for (let i = 0; i < signals; i++) process.kill(pid, "SIGTERM");
      });
      expect([code, stderr]).toEqual([0, ""]);
      const messages = stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { msg: string }).msg);
      expect(messages).toContain("elected");
      expect(messages.slice(-2)).toEqual(["stopping", "stopped"]);
      expect(messages.filter((message) => message === "ready")).toHaveLength(1);
    }
  });

  it("refuses a data directory of another member, and one in use", async () => {
    const words = await settings("mine");
    let rival: Promise<Run> | undefined;
    const first = await run(words, (line, pid) => {
      if (!line.includes('"msg":"ready"')) return;
      rival = settings("mine").then((others) =>
        run([...others, "--data-dir", join(folder, "mine")]),
      );
      void rival.then(() => process.kill(pid, "SIGTERM"));
    });
    expect(first.code).toBe(0);
    const inUse = await rival;
    expect(inUse?.code).toBe(1);
    expect(inUse?.stderr).toContain(join(folder, "mine"));
    const other = await run([...(await settings("other")), "--data-dir", join(folder, "mine")]);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(join(folder, "mine"));
  });
});
