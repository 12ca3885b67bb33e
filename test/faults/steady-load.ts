import { setTimeout as delay } from "node:timers/promises";
import { fromUtf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";

const RETRY_MS = 20;
/** A call that doesn't get through for so long is an error that the client sees. */
const PATIENCE_MS = 20_000;

/**
 * Clients as applications have them: each puts rising numbers to a key of its own and reads
 * them back, and repeats a call that found its member unavailable. A put of the same number may
 * be repeated safely. What such a client sees as an error ends up in `errors`.
 */
export class SteadyLoad {
  readonly errors: string[] = [];
  /** The last number acknowledged for each key. */
  readonly acknowledged = new Map<string, number>();
  puts = 0;
  readonly #clients: EtcdClient[];
  readonly #running: Promise<void>[];
  #stopped = false;

  /** @param endpoints members that are there, or will be */
  constructor(endpoints: readonly string[], clients = 4) {
    this.#clients = Array.from({ length: clients }, (_, i) => {
      const from = i % endpoints.length;
      const rotated = [...endpoints.slice(from), ...endpoints.slice(0, from)];
      return new EtcdClient({ endpoints: rotated, timeoutMs: 5_000 });
    });
    this.#running = this.#clients.map((client, i) => this.#run(client, `load/${i}`));
  }

  async #run(client: EtcdClient, key: string): Promise<void> {
    for (let next = 1; !this.#stopped && this.errors.length === 0; next++) {
      try {
        await this.#retry(() => put(client, key, String(next)));
        this.puts++;
        this.acknowledged.set(key, next);
        const { kv } = await this.#retry(() => get(client, key));
        const read = kv === undefined ? "nothing" : fromUtf8(kv.value);
        if (read !== String(next)) this.errors.push(`${key}: read ${read}, wrote ${next}`);
      } catch (error) {
        this.errors.push(`${key}: ${String(error)}`);
      }
    }
  }

  async #retry<T>(call: () => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const mayRetry = error instanceof AtollError && error.code === "UNAVAILABLE";
        if (!mayRetry || performance.now() > giveUpAt) throw error;
        await delay(RETRY_MS);
      }
    }
  }

  /** Resolves when so many more puts have been acknowledged. Rejects with the first error seen. */
  async more(count: number): Promise<void> {
    const goal = this.puts + count;
    while (this.puts < goal) {
      if (this.errors.length > 0) throw new Error(this.errors.join("\n"));
      await delay(10);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    for (const client of this.#clients) client.close();
  }

  /** Throws unless a member holds all that was acknowledged. */
  async checkAt(endpoint: string): Promise<void> {
    const client = new EtcdClient({ endpoints: [endpoint] });
    try {
      for (const [key, wanted] of this.acknowledged) {
        const { kv } = await this.#retry(() => get(client, key));
        const found = kv === undefined ? 0 : Number(fromUtf8(kv.value));
        // One more may have been written and not acknowledged when the load was stopped.
        if (found < wanted) throw new Error(`${endpoint}: ${key} is ${found}, not ${wanted}`);
      }
    } finally {
      client.close();
    }
  }
}
