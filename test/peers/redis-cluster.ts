import { freePorts } from "../../shared/ports.js";
import { RedisServer } from "./redis.js";
import { redisAnswers } from "./redis-cli.js";

const READY_MS = 30_000;
const SLOTS = 16_384;
/** Low, so that a lost node is noticed soon. */
const NODE_TIMEOUT_MS = 2_000;

/** A real Redis Cluster of three masters on loopback. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  /** Resolves when every node says that the cluster is well. */
  static async start(): Promise<RedisCluster> {
    const count = 3;
    // The bus has a port of its own, which would be the client port plus 10000.
    const ports = await freePorts(2 * count);
    const starts = Array.from({ length: count }, (_, i) => {
      const bus = ["--cluster-port", String(ports[count + i])];
      const timeout = ["--cluster-node-timeout", String(NODE_TIMEOUT_MS)];
      const rest = ["--cluster-config-file", "nodes.conf", "--cluster-require-full-coverage", "no"];
      return RedisServer.start(["--cluster-enabled", "yes", ...bus, ...timeout, ...rest], ports[i]);
    });
    const cluster = new RedisCluster(await Promise.all(starts));
    try {
      await cluster.#join();
      await cluster.ready();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.nodes as [RedisServer, ...RedisServer[]];
    const share = Math.ceil(SLOTS / this.nodes.length);
    for (const [i, node] of this.nodes.entries()) {
      const range = [String(i * share), String(Math.min(SLOTS, (i + 1) * share) - 1)];
      await node.cli("cluster", "set-config-epoch", String(i + 1));
      await node.cli("cluster", "addslotsrange", ...range);
    }
    for (const node of others) {
      const bus = await node.cli("config", "get", "cluster-port");
      const port = Object.values(bus as Record<string, string>)[0] as string;
      await first.cli("cluster", "meet", node.host, String(node.port), port);
    }
  }

  /** Resolves when every node sees all slots served. */
  async ready(): Promise<void> {
    const isWell = (answer: unknown): boolean => String(answer).includes("cluster_state:ok");
    const seesAll = (answer: unknown): boolean =>
      String(answer).split("connected").length - 1 >= this.nodes.length &&
      !String(answer).includes("fail");
    for (const { child, port } of this.nodes) {
      await child.until(
        async () =>
          (await redisAnswers(port, ["cluster", "info"], isWell)) &&
          (await redisAnswers(port, ["cluster", "nodes"], seesAll)),
        READY_MS,
      );
    }
  }

  get addresses(): string {
    return this.nodes.map((node) => node.address).join(",");
  }

  /** redis-cli's answer as JSON, from whichever node has the key. */
  cli(...args: readonly string[]): Promise<unknown> {
    return (this.nodes[0] as RedisServer).cli(...args);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}
