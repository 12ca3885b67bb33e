import { type ExecResult, exec } from "./exec.js";
import { peerTool } from "./tools.js";

/** Runs Debian's etcdctl (API v3) against the endpoints. */
export async function etcdctl(
  endpoints: readonly string[],
  ...words: string[]
): Promise<ExecResult> {
  const tool = await peerTool("etcdctl");
  return exec(tool.path, [`--endpoints=${endpoints.join(",")}`, ...words], {
    env: { ...tool.env, ETCDCTL_API: "3" },
  });
}

/** The same; rejects with its error output when it fails. Gives its standard output. */
export async function etcdctlOk(endpoints: readonly string[], ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await etcdctl(endpoints, ...words);
  if (code !== 0) throw new Error(`etcdctl ${words.join(" ")} failed: ${stderr}`);
  return stdout;
}
