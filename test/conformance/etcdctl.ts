import { spawn } from "node:child_process";
import { type ExecResult, exec } from "../peers/exec.js";
import { peerTool } from "../peers/tools.js";
import { normaliseText } from "./normalise.js";
import type { Subject } from "./subject.js";

/** The global options of every command on one member (or all of them). */
function globals(subject: Subject, member: number | "all"): string[] {
  const endpoints = member === "all" ? subject.endpoints.join(",") : subject.endpoints[member];
  return ["--endpoints", endpoints as string, "--command-timeout", "10s"];
}

/** Runs an etcdctl command on one member of a subject; its output is normalised. */
export async function etcdctl(
  subject: Subject,
  member: number | "all",
  args: readonly string[],
  input?: string,
): Promise<ExecResult> {
  const tool = await peerTool("etcdctl");
  const options = { env: tool.env, timeoutMs: 30_000, ...(input === undefined ? {} : { input }) };
  const { code, stdout, stderr } = await exec(
    tool.path,
    [...globals(subject, member), ...args],
    options,
  );
  return {
    code,
    stdout: normaliseText(subject, stdout),
    stderr: normaliseText(subject, stderr),
  };
}

/** An etcdctl that runs until it is ended, such as a watch. */
export interface RunningEtcdctl {
  /** Writes to its input. */
  type(text: string): void;
  /** Resolves with the normalised output once it has that many lines. */
  lines(count: number): Promise<string[]>;
  /** Interrupts it, or waits for its own end; gives all of its output, normalised. */
  end(how: "interrupt" | "await"): Promise<ExecResult>;
}

/** Starts an etcdctl command that goes on; the end of its input is left open. */
export async function startEtcdctl(
  subject: Subject,
  member: number,
  args: readonly string[],
): Promise<RunningEtcdctl> {
  const tool = await peerTool("etcdctl");
  const child = spawn(tool.path, [...globals(subject, member), ...args], { env: tool.env });
  let stdout = "";
  let stderr = "";
  let check = (): void => {};
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    check();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = new Promise<number>((resolve) => {
    child.once("exit", (code) => {
      resolve(code ?? -1);
      check();
    });
  });
  const complete = (): string[] => normaliseText(subject, stdout).split("\n").slice(0, -1);
  return {
    type: (text) => void child.stdin.write(text),
    lines: (count) =>
      new Promise((resolve, reject) => {
        check = () => {
          const lines = complete();
          if (lines.length >= count) resolve(lines.slice(0, count));
          else if (child.exitCode !== null) reject(new Error(`etcdctl ended: ${stdout}${stderr}`));
        };
        check();
      }),
    end: async (how) => {
      if (how === "interrupt") child.kill("SIGINT");
      const code = await exited;
      return {
        code,
        stdout: normaliseText(subject, stdout),
        stderr: normaliseText(subject, stderr),
      };
    },
  };
}
