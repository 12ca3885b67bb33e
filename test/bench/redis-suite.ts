import { Redis } from "ioredis";
import { RedisMirror } from "../../global/redis/mirror.js";
import { parseRedisSettings } from "../../global/redis/settings.js";
import { systemClock } from "../../shared/clock.js";
import { createLogger } from "../../shared/log.js";
import { createRegistry } from "../../shared/metrics.js";
import { systemRandom } from "../../shared/random.js";
import { FakeGateway } from "../global/api/fake-gateway.js";
import { cells, groupKey, SCHEMA, version } from "../global/digest/model.js";
import { type RedisServer, startRedis } from "../peers/redis.js";
import { median, quantile } from "./statistics.js";

/** From a change of a gateway's view to its entry in the merged stream, as a consumer has it. */
export interface RedisRow {
  /** Groups that change at once; the next change comes when the last one is in the stream. */
  readonly changed: number;
  readonly changesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Changed groups a second in each round. */
  readonly rounds: readonly number[];
}

const GROUPS = 1_000;
const BATCHES = [1, 100];
const WARM_UP_MS = 500;
const STREAM = "atoll:{machines}:changes";
const BLOCK_MS = 10_000;

interface Round {
  readonly perSecond: number;
  readonly latencies: readonly number[];
}

/** A gateway with two regions of GROUPS groups each, its mirror, and a consumer of the stream. */
class Bench {
  readonly #gateway = new FakeGateway();
  readonly #consumer: Redis;
  readonly #mirror: RedisMirror;
  #revision = 3;
  #last = "0";

  constructor(server: RedisServer) {
    for (const region of ["us-east", "eu-west"]) this.#publish(region, undefined, 0, GROUPS);
    const settings = parseRedisSettings({ redis: server.address }, (option) => option);
    if (settings === undefined) throw new Error("no Redis to mirror to");
    this.#consumer = new Redis({ host: server.host, port: server.port, protocol: 2 });
    this.#mirror = new RedisMirror({
      settings,
      source: this.#gateway,
      registry: createRegistry({}),
      log: createLogger("silent", {}),
      clock: systemClock,
      random: systemRandom,
    });
    this.#mirror.start();
  }

  #publish(region: string, from: number | undefined, first: number, count: number): void {
    const to = version(this.#revision);
    const names = Array.from({ length: count }, (_, i) => groupKey((first + i) % GROUPS));
    const changes = new Map(names.map((key) => [key, cells(this.#revision % 1_000)]));
    const id = { region, summary: "machines" };
    const outcome = this.#gateway.hear({ id, from, to, schema: SCHEMA, changes });
    if (outcome.kind !== "applied") throw new Error(`the view takes no change: ${outcome.kind}`);
  }

  /** Resolves when the stream has another entry. */
  async next(): Promise<void> {
    const words = ["BLOCK", BLOCK_MS, "COUNT", 1, "STREAMS", STREAM, this.#last];
    const answer = (await this.#consumer.call("XREAD", ...words)) as
      | [[string, [string, string[]][]]]
      | null;
    const id = answer?.[0][1][0]?.[0];
    if (id === undefined) throw new Error(`no entry came in ${BLOCK_MS} ms`);
    this.#last = id;
  }

  async round(changed: number, seconds: number): Promise<Round> {
    const latencies: number[] = [];
    const startMs = performance.now();
    while (performance.now() - startMs < seconds * 1_000) {
      const beforeMs = performance.now();
      this.#revision++;
      this.#publish("us-east", this.#revision - 1, this.#revision * changed, changed);
      await this.next();
      latencies.push(performance.now() - beforeMs);
    }
    const elapsed = (performance.now() - startMs) / 1_000;
    return { perSecond: (latencies.length * changed) / elapsed, latencies };
  }

  async stop(): Promise<void> {
    this.#consumer.disconnect();
    await this.#mirror.stop();
  }
}

/** Measures one gateway on one Redis: `rounds` of each number of changed groups. */
export async function runRedisSuite(
  rounds: number,
  seconds: number,
  say: (text: string) => void,
): Promise<RedisRow[]> {
  const server = await startRedis();
  const bench = new Bench(server);
  try {
    await bench.next();
    const results = new Map<number, Round[]>(BATCHES.map((changed) => [changed, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const [changed, done] of results) {
        say(`redis, ${changed} at once: round ${round} of ${rounds}`);
        await bench.round(changed, WARM_UP_MS / 1_000);
        done.push(await bench.round(changed, seconds));
      }
    }
    return [...results].map(([changed, done]) => {
      const latencies = done.flatMap((round) => round.latencies).sort((a, b) => a - b);
      const perSecond = done.map((round) => round.perSecond);
      return {
        changed,
        changesPerSecond: median(perSecond),
        p50Ms: quantile(latencies, 0.5),
        p99Ms: quantile(latencies, 0.99),
        rounds: perSecond,
      };
    });
  } finally {
    await bench.stop();
    await server.stop();
  }
}
