import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AtollClient } from "../../shared/client/client.js";
import type { AtollEvent } from "../../shared/client/events.js";
import { MergedView } from "../../shared/client/merged-view.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { txn } from "../../shared/etcd/kv.js";
import {
  GlobalService,
  SubscribeRequestSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_TOMBSTONES_PER_SECTION } from "../../shared/limits.js";
import { methodPath } from "../../shared/rpc/service.js";
import { StreamConnection } from "../bench/load/stream-connection.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { eventually, metric } from "./metric.js";

/**
 * What subscribers of real gateways are told besides news, each as a typed event; and that
 * one that takes nothing hurts nobody.
 */
const WAIT_MS = 60_000;
const BATCH = 100;

let world: World;
beforeAll(async () => {
  world = await startWorld({ regions: ["east", "west"] });
});
afterAll(() => world?.stop());

const put = (region: string, key: string, value: string): Promise<string> =>
  etcdctlOk(world.region(region).endpoints, "put", key, value);
const define = async (name: string, measures: string): Promise<void> => {
  const text = `name: ${name}\nprefix: /${name}/\ngroupBy: [value.app]\nmeasures: {${measures}}\n`;
  await Promise.all(
    ["east", "west"].map((region) => put(region, `/atoll/summaries/${name}`, text)),
  );
};
const west = (): string => world.gateway("west").address.grpc;

/** A consumer at west's gateway, and all that it was told but how old things are. */
class Consumer {
  readonly events: Exclude<AtollEvent, { type: "freshness" }>[] = [];
  readonly view = new MergedView();
  readonly #client = new AtollClient({ gateways: [west()] });
  readonly #abort = new AbortController();
  #listener = (): void => {};

  constructor(summary: string, more: { resumeToken?: Uint8Array; minIntervalMs?: number } = {}) {
    void this.#run(summary, more);
  }

  async #run(summary: string, more: object): Promise<void> {
    const request = { summaries: [summary], ...more };
    const { signal } = this.#abort;
    for await (const event of this.#client.subscribe(request, { signal })) {
      this.view.apply(event);
      if (event.type !== "freshness") this.events.push(event);
      this.#listener();
    }
  }

  /** What it was told, in order, by type; of notices with the region. */
  get told(): string[] {
    return this.events.map((event) =>
      "region" in event ? `${event.type} ${event.region}` : event.type,
    );
  }

  async until(isSo: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`told: ${this.told.join(", ")}`)), WAIT_MS);
      this.#listener = () => {
        if (!isSo()) return;
        clearTimeout(late);
        resolve();
      };
      this.#listener();
    });
  }

  close(): void {
    this.#abort.abort();
    this.#client.close();
  }
}

async function published(summary: string, groups: number): Promise<void> {
  const client = new AtollClient({ gateways: [west()] });
  try {
    await eventually(async () => {
      const answer = await client.get({ summary, limit: 1 }).catch(() => undefined);
      return (answer?.groups.length ?? 0) >= groups;
    }, `${summary} is published`);
  } finally {
    client.close();
  }
}

describe("typed events", () => {
  test("tell of another definition, and that a summary was deleted", async () => {
    await define("apps", "n: count()");
    for (const region of ["east", "west"]) await put(region, "/apps/1", '{"app":"api","load":2}');
    await published("apps", 1);
    const consumer = new Consumer("apps");
    try {
      const measures = (): string[] =>
        consumer.view.summary("apps")?.definition?.measures.map(({ name }) => name) ?? [];
      await consumer.until(() => measures().join() === "n");
      await define("apps", "n: count(), load: sum(value.load)");
      await consumer.until(() => measures().join() === "n,load");
      const { told } = consumer;
      expect(told).toContain("definition-change east");
      expect(told).toContain("definition-change west");
      expect(told.lastIndexOf("snapshot")).toBeGreaterThan(told.indexOf("definition-change west"));
      for (const region of ["east", "west"]) {
        await etcdctlOk(world.region(region).endpoints, "del", "/atoll/summaries/apps");
      }
      await consumer.until(() =>
        ["east", "west"].every((region) => consumer.told.includes(`retired ${region}`)),
      );
      await consumer.until(() => (consumer.view.summary("apps")?.groups.size ?? 0) === 0);
    } finally {
      consumer.close();
    }
  });

  test("tell a token's gap where more was removed than is remembered, and a reset of other filters", async () => {
    const keys = MAX_TOMBSTONES_PER_SECTION + BATCH;
    await define("wide", "n: count()");
    const etcd = new EtcdClient({ endpoints: world.region("east").endpoints });
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    const puts = Array.from({ length: keys / BATCH }, (_, batch) =>
      Array.from({ length: BATCH }, (__, i) => batch * BATCH + i),
    );
    try {
      for (const batch of puts) {
        const success = batch.map((n) => ({
          request: {
            case: "requestPut" as const,
            value: { key: encode(`/wide/${n}`), value: encode(`{"app":"a${n}"}`) },
          },
        }));
        await txn(etcd, { success });
      }
    } finally {
      etcd.close();
    }
    const first = new Subscriber(west(), "wide");
    await first.until((subscriber) => subscriber.groups.size === keys, WAIT_MS);
    await first.until((subscriber) => subscriber.complete);
    first.resumeToken = new Uint8Array(0);
    await first.until((subscriber) => subscriber.resumeToken.length > 0);
    first.close();
    const token = first.resumeToken;
    await put("east", "/wide/left", '{"app":"left"}');
    await etcdctlOk(world.region("east").endpoints, "del", "/wide/", "/wide/9999999");
    const after = new Subscriber(west(), "wide");
    await after.until((subscriber) => subscriber.groups.size === 1, WAIT_MS);
    after.close();

    const late = new Consumer("wide", { resumeToken: token });
    await late.until(() => late.events.length >= 2);
    late.close();
    expect(late.told.slice(0, 2)).toEqual(["gap east", "snapshot"]);
    expect([...(late.view.summary("wide")?.groups.keys() ?? [])]).toEqual(['["left"]']);

    await define("other", "n: count()");
    await put("east", "/other/1", '{"app":"x"}');
    await published("other", 1);
    const other = new Consumer("other", { resumeToken: token });
    await other.until(() => other.events.length >= 2);
    other.close();
    expect(other.told.slice(0, 2)).toEqual(["reset ", "snapshot"]);
  }, 180_000);
});

test("a subscriber that takes nothing is counted, and keeps nobody else from news", async () => {
  await define("loud", "n: count(), newest: max(value.n)");
  const apps = Array.from({ length: 60 }, (_, i) => `${"a".repeat(400)}${i}`);
  const wave = async (n: number): Promise<void> => {
    const etcd = new EtcdClient({ endpoints: world.region("west").endpoints });
    const success = apps.map((app, i) => ({
      request: {
        case: "requestPut" as const,
        value: { key: Buffer.from(`/loud/${i}`), value: Buffer.from(JSON.stringify({ app, n })) },
      },
    }));
    await txn(etcd, { success }).finally(() => etcd.close());
  };
  await wave(0);
  await published("loud", 1);
  const { http } = world.gateway("west").address;
  const slow = (): Promise<number> => metric(http, "atoll_global_subscriptions_slow");
  const healthy = new Subscriber(west(), "loud");
  let reason = "";
  const request = create(SubscribeRequestSchema, { summaries: ["loud"] });
  const stalled = await StreamConnection.open({
    target: west(),
    path: methodPath(GlobalService.method.subscribe),
    request: toBinary(SubscribeRequestSchema, request),
    halfClose: true,
    stalls: true,
    onMessage: () => {},
    onEnd: (why) => {
      reason = why;
    },
  });
  try {
    let waves = 0;
    await eventually(async () => {
      const newest = ++waves;
      await wave(newest);
      await healthy.until(({ groups }) => [...groups.values()].every(([, n]) => n === newest));
      return (await slow()) === 1;
    }, "the stalled subscriber is seen to be slow");
    for (let more = 0; more < 20; more++) {
      const newest = ++waves;
      await wave(newest);
      await healthy.until(({ groups }) => [...groups.values()].every(([, n]) => n === newest));
    }
    expect([await slow(), reason]).toEqual([1, ""]);
    expect(await metric(http, "atoll_global_subscription_messages_total")).toBeGreaterThan(waves);
    stalled.close();
    await eventually(async () => (await slow()) === 0, "it has gone");
  } finally {
    stalled.close();
    healthy.close();
  }
}, 120_000);
