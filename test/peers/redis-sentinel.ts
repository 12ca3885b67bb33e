import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../shared/ports.js";
import { Child } from "./child.js";
import { RedisServer } from "./redis.js";
import { redisAnswers, redisCli } from "./redis-cli.js";
import { peerTool } from "./tools.js";

const READY_MS = 30_000;
/** Low, so that a lost master is replaced soon. */
const DOWN_AFTER_MS = 1_000;

/** A real master, a replica of it, and one sentinel that replaces the one by the other. */
export class RedisWithSentinel {
  readonly servers: readonly RedisServer[];
  readonly master = "atoll-test";
  readonly port: number;
  readonly #sentinel: Child;
  readonly #folder: string;

  private constructor(servers: RedisServer[], port: number, sentinel: Child, folder: string) {
    this.servers = servers;
    this.port = port;
    this.#sentinel = sentinel;
    this.#folder = folder;
  }

  /** Resolves when the sentinel knows both servers. */
  static async start(): Promise<RedisWithSentinel> {
    const first = await RedisServer.start();
    const follows = ["--replicaof", first.host, String(first.port)];
    const second = await RedisServer.start([...follows, "--repl-diskless-sync-delay", "0"]);
    const folder = await mkdtemp(join(tmpdir(), "atoll-sentinel-"));
    const [port] = (await freePorts(1)) as [number];
    const file = join(folder, "sentinel.conf");
    const settings = [
      `port ${port}`,
      "bind 127.0.0.1",
      `dir ${folder}`,
      `sentinel monitor atoll-test ${first.host} ${first.port} 1`,
      `sentinel down-after-milliseconds atoll-test ${DOWN_AFTER_MS}`,
      "sentinel failover-timeout atoll-test 5000",
    ];
    await writeFile(file, `${settings.join("\n")}\n`);
    const tool = await peerTool("redis-server");
    const child = new Child("sentinel", tool.path, [file, "--sentinel"], tool.env);
    const whole = new RedisWithSentinel([first, second], port, child, folder);
    const knowsReplica = (answer: unknown): boolean => Array.isArray(answer) && answer.length === 1;
    const isSynced = (answer: unknown): boolean => String(answer).includes("master_link_status:up");
    try {
      await child.until(
        async () =>
          (await redisAnswers(port, ["sentinel", "replicas", whole.master], knowsReplica)) &&
          (await redisAnswers(second.port, ["info", "replication"], isSynced)),
        READY_MS,
      );
    } catch (error) {
      await whole.stop();
      throw error;
    }
    return whole;
  }

  /** The port of the server that the sentinel names as master. */
  async masterPort(): Promise<number> {
    const answer = await redisCli(this.port, "sentinel", "get-master-addr-by-name", this.master);
    return Number((answer as string[])[1]);
  }

  async stop(): Promise<void> {
    await this.#sentinel.kill();
    await Promise.all(this.servers.map((server) => server.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
