import { expect } from "vitest";
import { fromUtf8, utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { KV } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";

const WRITERS = 8;
const KEYS = "written/";
const WAIT_MS = 30_000;

/** Clients that put distinct keys as fast as they can and remember what was acknowledged. */
export class Writers {
  readonly acknowledged: string[] = [];
  /** Milliseconds of the longest time without an acknowledgement since `restartClock`. */
  longestGapMs = 0;
  readonly #clients: EtcdClient[];
  readonly #running: Promise<void>[];
  #stopped = false;
  #next = 0;
  #lastMs = performance.now();

  constructor(endpoints: readonly string[]) {
    this.#clients = Array.from({ length: WRITERS }, (_, i) => {
      const from = i % endpoints.length;
      const rotated = [...endpoints.slice(from), ...endpoints.slice(0, from)];
      return new EtcdClient({ endpoints: rotated, timeoutMs: 1_500 });
    });
    this.#running = this.#clients.map((client) => this.#write(client));
  }

  async #write(client: EtcdClient): Promise<void> {
    while (!this.#stopped) {
      const key = `${KEYS}${this.#next++}`;
      try {
        await put(client, key, key);
        this.#acknowledge(key);
      } catch {
        // Not acknowledged: it may be there or not. Another key, then.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  #acknowledge(key: string): void {
    const nowMs = performance.now();
    this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.acknowledged.push(key);
  }

  restartClock(): void {
    this.longestGapMs = 0;
    this.#lastMs = performance.now();
  }

  /** Resolves when so many more writes have been acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.length + count;
    const end = performance.now() + WAIT_MS;
    while (this.acknowledged.length < goal) {
      if (performance.now() > end) throw new Error("writes don't go on");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    for (const client of this.#clients) client.close();
  }
}

/** The keys that a member has, by a linearizable read, each with its own name as value. */
async function keysAt(endpoint: string): Promise<Set<string>> {
  const client = new RpcClient(endpoint);
  try {
    const answer = await client.unary(KV.method.range, {
      key: utf8(KEYS),
      rangeEnd: utf8("written0"),
    });
    for (const { key, value } of answer.kvs) expect(fromUtf8(value)).toBe(fromUtf8(key));
    return new Set(answer.kvs.map(({ key }) => fromUtf8(key)));
  } finally {
    client.close();
  }
}

/** Every member has every write that was acknowledged, and all have the same. */
export async function expectNothingLost(
  endpoints: readonly string[],
  acknowledged: readonly string[],
): Promise<void> {
  const sets = await Promise.all(endpoints.map((endpoint) => keysAt(endpoint)));
  for (const keys of sets) {
    expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
    expect([...keys]).toEqual([...(sets[0] ?? [])]);
  }
}
