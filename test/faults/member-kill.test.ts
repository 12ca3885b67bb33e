import { afterEach, describe, expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { KV } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { leaderIndex } from "./leader.js";

/**
 * Members that die by SIGKILL at any moment lose no write that was acknowledged, and
 * the members that are left, or come back, agree with each other.
 */
const WRITERS = 8;
const KEYS = "kill/";

/** Clients that put distinct keys as fast as they can and remember what was acknowledged. */
class Writers {
  readonly acknowledged: string[] = [];
  readonly #clients: EtcdClient[];
  readonly #running: Promise<void>[];
  #stopped = false;
  #next = 0;

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
        this.acknowledged.push(key);
      } catch {
        // Not acknowledged: it may be there or not. Another key, then.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Resolves when so many more writes have been acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.length + count;
    const end = performance.now() + 30_000;
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
      rangeEnd: utf8("kill0"),
    });
    for (const { key, value } of answer.kvs) expect(fromUtf8(value)).toBe(fromUtf8(key));
    return new Set(answer.kvs.map(({ key }) => fromUtf8(key)));
  } finally {
    client.close();
  }
}

async function expectNothingLost(region: Region, acknowledged: readonly string[]): Promise<void> {
  const sets = await Promise.all(region.endpoints.map((endpoint) => keysAt(endpoint)));
  for (const keys of sets) {
    expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
    expect([...keys]).toEqual([...(sets[0] ?? [])]);
  }
}

describe("three members", () => {
  let region: Region | undefined;
  afterEach(async () => {
    await region?.stop();
    region = undefined;
  });

  test("lose nothing when leaders and followers are killed while writing", async () => {
    region = await startRegion({ members: 3 });
    const writers = new Writers(region.endpoints);
    try {
      await writers.more(200);
      for (let round = 0; round < 4; round++) {
        const leader = await leaderIndex(region.endpoints);
        const victim = round % 2 === 0 ? leader : (leader + 1) % 3;
        await region.child(victim).kill();
        await writers.more(100);
        await region.restart(victim);
        await writers.more(100);
      }
    } finally {
      await writers.stop();
    }
    await expectNothingLost(region, writers.acknowledged);
  });

  test("lose nothing when all are killed at once while writing", async () => {
    region = await startRegion({ members: 3 });
    const killed = region;
    const writers = new Writers(region.endpoints);
    try {
      await writers.more(300);
      await Promise.all([0, 1, 2].map((index) => killed.child(index).kill()));
    } finally {
      await writers.stop();
    }
    await Promise.all([0, 1, 2].map((index) => killed.restart(index)));
    expect(writers.acknowledged.length).toBeGreaterThanOrEqual(300);
    await expectNothingLost(region, writers.acknowledged);
  });
});
