import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../shared/ports.js";
import { Child } from "./child.js";
import { exec } from "./exec.js";
import { peerTool } from "./tools.js";

const READY_MS = 10_000;

/** A real Redis on loopback. */
export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly child: Child;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Starts a Redis without persistence on a free loopback port; resolves when it answers. */
export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  const [server, cli] = await Promise.all([peerTool("redis-server"), peerTool("redis-cli")]);
  const [port] = (await freePorts(1)) as [number];
  const folder = await mkdtemp(join(tmpdir(), "atoll-redis-"));
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  const child = new Child(
    "redis",
    server.path,
    [...settings, "--save", "", "--appendonly", "no", ...args],
    server.env,
  );
  const stop = async (): Promise<void> => {
    await child.kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await child.until(async () => {
      const ping = await exec(cli.path, ["-p", String(port), "ping"], { env: cli.env });
      return ping.stdout.trim() === "PONG";
    }, READY_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: "127.0.0.1", port, child, stop };
}
