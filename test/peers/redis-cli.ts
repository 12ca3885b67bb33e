import { exec } from "./exec.js";
import { peerTool } from "./tools.js";

/**
 * Runs `redis-cli` against a loopback port and gives its answer as JSON, or as text where
 * it has none, as of INFO. Rejects with what it says.
 */
export async function redisCli(port: number, ...args: readonly string[]): Promise<unknown> {
  const tool = await peerTool("redis-cli");
  // -e: an error of Redis is one of the program; -c: redirections of a cluster are followed.
  const words = ["-p", String(port), "-c", "-e", "--json", ...args];
  const result = await exec(tool.path, words, { env: tool.env });
  if (result.code !== 0) {
    throw new Error(`redis-cli ${args.join(" ")}: ${result.stderr}${result.stdout}`);
  }
  try {
    return JSON.parse(result.stdout) as unknown;
  } catch {
    return result.stdout;
  }
}

/** Whether a Redis answers on a loopback port, and as `accepts` wants it. */
export async function redisAnswers(
  port: number,
  args: readonly string[],
  accepts: (answer: unknown) => boolean,
): Promise<boolean> {
  try {
    return accepts(await redisCli(port, ...args));
  } catch {
    return false;
  }
}
