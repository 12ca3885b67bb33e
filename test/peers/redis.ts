import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../shared/ports.js";
import { Child } from "./child.js";
import { redisAnswers, redisCli } from "./redis-cli.js";
import { type PeerTool, peerTool } from "./tools.js";

const READY_MS = 15_000;
const HOST = "127.0.0.1";

/** A real Redis on loopback, without persistence: it has no data after a restart. */
export class RedisServer {
  readonly host = HOST;
  readonly port: number;
  readonly #tool: PeerTool;
  readonly #args: readonly string[];
  readonly #folder: string;
  readonly #access: readonly string[];
  #child: Child;

  private constructor(
    tool: PeerTool,
    port: number,
    folder: string,
    args: readonly string[],
    access: readonly string[],
  ) {
    this.port = port;
    this.#tool = tool;
    this.#folder = folder;
    this.#args = args;
    this.#access = access;
    this.#child = this.#spawn();
  }

  /**
   * Starts one on a free port; resolves when it answers. `args` are options of
   * redis-server, `access` those that redis-cli needs to get in.
   */
  static async start(
    args: readonly string[] = [],
    port?: number,
    access: readonly string[] = [],
  ): Promise<RedisServer> {
    const tool = await peerTool("redis-server");
    const [free] = port === undefined ? await freePorts(1) : [port];
    const folder = await mkdtemp(join(tmpdir(), "atoll-redis-"));
    const server = new RedisServer(tool, free as number, folder, args, access);
    try {
      await server.#ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  #spawn(): Child {
    const settings = ["--port", String(this.port), "--bind", HOST, "--dir", this.#folder];
    const words = [...settings, "--save", "", "--appendonly", "no", ...this.#args];
    return new Child(`redis-${this.port}`, this.#tool.path, words, this.#tool.env);
  }

  async #ready(): Promise<void> {
    const isReady = (): Promise<boolean> =>
      redisAnswers(this.port, [...this.#access, "ping"], (answer) => answer === "PONG");
    await this.#child.until(isReady, READY_MS);
  }

  /** host:port */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get child(): Child {
    return this.#child;
  }

  /** redis-cli's answer as JSON. */
  cli(...args: readonly string[]): Promise<unknown> {
    return redisCli(this.port, ...this.#access, ...args);
  }

  /** Starts it again after it has ended, on the same port. */
  async restart(): Promise<void> {
    if (!this.#child.hasExited) throw new Error(`${this.#child.name} still runs`);
    this.#child = this.#spawn();
    await this.#ready();
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.#child.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Starts a Redis without persistence on a free loopback port; resolves when it answers. */
export function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  return RedisServer.start(args);
}
