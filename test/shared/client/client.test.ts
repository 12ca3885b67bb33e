import { getEventListeners } from "node:events";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AtollClient } from "../../../shared/client/client.js";
import type { AtollEvent } from "../../../shared/client/events.js";
import { errorDetail } from "../../../shared/client/failure.js";
import { measureOf } from "../../../shared/client/measure.js";
import { MergedView } from "../../../shared/client/merged-view.js";
import { writtenAt } from "../../../shared/client/written.js";
import { MissKind } from "../../../shared/gen/atoll/global/v1/contract_pb.js";
import {
  GlobalService,
  SubscribeResponseSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_GROUPS_PER_UPDATE } from "../../../shared/limits.js";
import { freePorts } from "../../../shared/ports.js";
import { seededRandom } from "../../../shared/random.js";
import type { ServerStreamHandler } from "../../../shared/rpc/handlers.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import { FakeGateway, Served } from "../../global/api/fake-gateway.js";
import { groupKey, History, incarnation } from "../../global/digest/model.js";

const API = groupKey("api");
const SUMMARIES = { summaries: ["machines"] };

/** Two gateways that may hear of one region's history at different times. */
let gateways: FakeGateway[];
let history: History;
let endings: (() => Promise<void> | void)[];

beforeEach(() => {
  endings = [];
  gateways = [new FakeGateway(), new FakeGateway()];
  history = new History("us-east");
  history.step({ api: 1, web: 1 });
  for (const gateway of gateways) {
    gateway.hear(history.whole(history.last));
    gateway.confirm("us-east", history.last, 900);
  }
});
afterEach(async () => {
  for (const end of endings.reverse()) await end();
});

async function serve(gateway: FakeGateway): Promise<Served> {
  const served = await Served.start(gateway);
  endings.push(() => served.stop());
  return served;
}

function clientOf(...addresses: string[]): AtollClient {
  const client = new AtollClient({ gateways: addresses, random: seededRandom(1) });
  endings.push(() => client.close());
  return client;
}

async function deadAddress(): Promise<string> {
  return `127.0.0.1:${(await freePorts(1))[0]}`;
}

/** A consumer that adds up what it is told. */
class Consumer {
  readonly view = new MergedView();
  readonly seen: string[] = [];
  readonly #events: AsyncGenerator<AtollEvent>;

  constructor(events: AsyncGenerator<AtollEvent>) {
    this.#events = events;
    endings.push(async () => void (await events.return(undefined)));
  }

  async next(): Promise<AtollEvent> {
    const { value, done } = await this.#events.next();
    if (done === true) throw new Error("the subscription has ended");
    this.view.apply(value);
    if (value.type !== "freshness") this.seen.push(value.type);
    return value;
  }

  async until<T extends AtollEvent["type"]>(type: T): Promise<AtollEvent & { type: T }> {
    for (;;) {
      const event = await this.next();
      if (event.type === type) return event as AtollEvent & { type: T };
    }
  }

  /** Counts by group. */
  counts(): Record<string, number | undefined> {
    const summary = this.view.summary("machines");
    const groups = [...(summary?.groups ?? [])];
    return Object.fromEntries(
      groups.map(([key, group]) => [key, measureOf(group, summary?.definition, "machines")]),
    );
  }
}

async function countsOf(client: AtollClient): Promise<Record<string, number | undefined>> {
  const { groups, definition } = await client.get({ summary: "machines" });
  return Object.fromEntries(
    groups.map((group) => [group.key, measureOf(group, definition, "machines")]),
  );
}

describe("calls", () => {
  test("go to the next gateway when one is down, and stay there", async () => {
    const served = await serve(gateways[0] as FakeGateway);
    const client = clientOf(await deadAddress(), served.address);
    expect(await countsOf(client)).toEqual({ [API]: 1, [groupKey("web")]: 1 });
    expect((await client.regions()).regions).toHaveLength(1);
    const { candidates } = await client.resolve({ summary: "machines", group: API });
    expect(candidates[0]?.freshness?.region).toBe("us-east");
  });

  test("fail with what each gateway said when none answers", async () => {
    const [a, b] = [await deadAddress(), await deadAddress()];
    const call = clientOf(a, b).get({ summary: "machines" }, { giveUpAfterMs: 0 });
    await expect(call).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(`^no gateway answers \\(${a}: .*; ${b}: `) as string,
    });
  });

  test("end with the signal, and leave nothing at it", async () => {
    const client = clientOf(await deadAddress());
    const abort = new AbortController();
    const call = client.get({ summary: "machines" }, { signal: abort.signal });
    const ended = expect(call).rejects.toMatchObject({ code: "CANCELLED" });
    abort.abort();
    await ended;
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });

  test("don't take what is wrong with the question elsewhere, and tell its field", async () => {
    const served = await serve(gateways[0] as FakeGateway);
    const client = clientOf(served.address, await deadAddress());
    const error = await client.get({ summary: "" }).catch((thrown: unknown) => thrown);
    expect(errorDetail(error)?.field).toBe("summary");
    expect(errorDetail(new Error("no"))).toBeUndefined();
  });
});

describe("wait", () => {
  const demand = (revision: bigint) => writtenAt("us-east", { clusterId: 0xc1n, revision });

  beforeEach(() => {
    const report = { region: "us-east", incarnation: incarnation(1), revision: 2, summaries: [] };
    for (const { book } of gateways) book.join({ ...report, clusterId: "c1", intent: "active" });
  });

  test("goes on at the next gateway when one stops", async () => {
    const [first, second] = [
      await serve(gateways[0] as FakeGateway),
      await serve(gateways[1] as FakeGateway),
    ];
    const client = clientOf(first.address, second.address);
    const contract = { regions: [demand(BigInt(history.last + 1))] };
    const waiting = client.wait({ summary: "machines", contract });
    await expect.poll(() => first.api.waits).toBe(1);
    first.api.close();
    await expect.poll(() => second.api.waits).toBe(1);
    history.step({ api: 9 });
    gateways[1]?.hear(history.delta(history.last - 1, history.last));
    expect((await waiting).met).toBe(true);
  });

  test("fails with what isn't met when its time is over", async () => {
    const client = clientOf((await serve(gateways[0] as FakeGateway)).address);
    const contract = { regions: [demand(99n)] };
    const error = await client.wait({ contract, timeoutMs: 30 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(errorDetail(error)?.misses).toMatchObject([{ kind: MissKind.BEHIND }]);
  });
});

describe("subscribe", () => {
  test("goes on at the next gateway with exactly what is newer", async () => {
    const [first, second] = [
      await serve(gateways[0] as FakeGateway),
      await serve(gateways[1] as FakeGateway),
    ];
    const client = clientOf(first.address, second.address);
    const consumer = new Consumer(client.subscribe(SUMMARIES));
    await consumer.until("snapshot");
    history.step({ api: 5 });
    for (const gateway of gateways) gateway.hear(history.delta(history.last - 1, history.last));
    // The update before the loss has no heartbeat after it: its own token has to do.
    await consumer.until("delta");
    await first.stop();
    history.step({ web: 7 });
    gateways[1]?.hear(history.delta(history.last - 1, history.last));
    const failover = await consumer.until("failover");
    expect([failover.from, failover.to]).toEqual([first.address, second.address]);
    const { groups } = await consumer.until("delta");
    expect(groups.map(({ key }) => key)).toEqual([groupKey("web")]);
    expect(consumer.counts()).toEqual(await countsOf(client));
    expect(consumer.seen).toEqual(["snapshot", "delta", "failover", "delta"]);
  });

  test("says nothing again of what the next gateway can't tell apart", async () => {
    const [first, second] = [
      await serve(gateways[0] as FakeGateway),
      await serve(gateways[1] as FakeGateway),
    ];
    const consumer = new Consumer(clientOf(first.address, second.address).subscribe(SUMMARIES));
    await consumer.until("snapshot");
    history.step({ api: 5, web: undefined });
    gateways[0]?.hear(history.delta(history.last - 1, history.last));
    await consumer.until("delta");
    // The other one gets this with a later change, and takes both for changes of that revision.
    history.step({ new: 1 });
    gateways[1]?.hear(history.delta(history.last - 2, history.last));
    await first.stop();
    const { groups, removed } = await consumer.until("delta");
    expect([groups.map(({ key }) => key), removed]).toEqual([[groupKey("new")], []]);
  });

  test("never goes back, though the next gateway holds less", async () => {
    const [first, second] = [
      await serve(gateways[0] as FakeGateway),
      await serve(gateways[1] as FakeGateway),
    ];
    const consumer = new Consumer(clientOf(first.address, second.address).subscribe(SUMMARIES));
    await consumer.until("snapshot");
    history.step({ api: 5 });
    gateways[0]?.hear(history.delta(history.last - 1, history.last));
    await consumer.until("delta");
    await first.stop();
    await consumer.until("behind");
    expect(consumer.counts()[API]).toBe(5);
    history.step({ api: 6 });
    gateways[1]?.hear(history.delta(history.last - 2, history.last));
    await consumer.until("delta");
    expect(consumer.counts()[API]).toBe(6);
    expect(consumer.seen).not.toContain("reset");
  });

  test.each([1, 2, 3])(
    "adds up to what a fresh Get says, after any failovers (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const servers = await Promise.all(
        Array.from({ length: 8 }, (_, n) => serve(gateways[n % 2] as FakeGateway)),
      );
      const client = clientOf(...servers.map(({ address }) => address));
      const consumer = new Consumer(client.subscribe(SUMMARIES));
      await consumer.until("snapshot");
      const heard = [history.last, history.last];
      const hearAll = (n: number): void => {
        const from = heard[n] as number;
        if (from < history.last) gateways[n]?.hear(history.delta(from, history.last));
        heard[n] = history.last;
      };
      for (let step = 0; step < 60; step++) {
        history.step({ [`app-${random.int(12)}`]: random.chance(0.3) ? undefined : step + 1 });
        hearAll(random.int(2));
        if (step % 9 === 8 && servers.length > 1) {
          const before = consumer.seen.length;
          await servers.shift()?.stop();
          hearAll(0);
          hearAll(1);
          await consumer.until("failover");
          expect(consumer.seen.slice(before)).not.toContain("snapshot");
        }
      }
      hearAll(0);
      hearAll(1);
      history.step({ end: 1 });
      hearAll(0);
      hearAll(1);
      while (consumer.counts()[groupKey("end")] === undefined) await consumer.next();
      expect(consumer.counts()).toEqual(await countsOf(client));
      expect(consumer.seen.filter((type) => type === "snapshot")).toHaveLength(1);
    },
  );

  test("puts the parts of a large snapshot together", async () => {
    const size = 2 * MAX_GROUPS_PER_UPDATE + 5;
    history.step(Object.fromEntries(Array.from({ length: size }, (_, n) => [`app-${n}`, n])));
    gateways[0]?.hear(history.delta(history.last - 1, history.last));
    const client = clientOf((await serve(gateways[0] as FakeGateway)).address);
    const { groups } = await new Consumer(client.subscribe(SUMMARIES)).until("snapshot");
    expect(groups).toHaveLength(size + 2);
  });

  test("doesn't show half an update when the gateway is lost in the middle", async () => {
    const group = { key: API, cells: [] };
    const tokens: number[] = [];
    const subscribe: ServerStreamHandler<
      typeof GlobalService.method.subscribe.input,
      typeof SubscribeResponseSchema
    > = async ({ resumeToken }, sink) => {
      tokens.push(resumeToken.length);
      const isFirst = tokens.length === 1;
      const update = { summary: "m", reset: true, more: isFirst, groups: [group] };
      const value = { ...update, resumeToken: new Uint8Array(isFirst ? 0 : 4) };
      sink.send(create(SubscribeResponseSchema, { event: { case: "update", value } }));
    };
    const server = new RpcServer({ observe: undefined, report: () => {} });
    server.add(GlobalService, { subscribe });
    const port = await server.listen("127.0.0.1:0");
    endings.push(() => server.stop(0));
    const consumer = new Consumer(clientOf(`127.0.0.1:${port}`).subscribe(SUMMARIES));
    expect((await consumer.until("snapshot")).groups).toHaveLength(1);
    await consumer.until("failover");
    expect(consumer.seen).toEqual(["failover", "snapshot", "failover"]);
    await consumer.until("snapshot");
    expect(tokens).toEqual([0, 0, 4]);
  });

  test("leaves a gateway that has fallen silent", async () => {
    const server = new RpcServer({ observe: undefined, report: () => {} });
    const gone = new AbortController();
    server.add(GlobalService, {
      subscribe: (_request, _sink, { signal }) =>
        new Promise((resolve) => {
          const end = (): void => {
            gone.abort();
            resolve();
          };
          signal.addEventListener("abort", end);
        }),
    });
    const port = await server.listen("127.0.0.1:0");
    endings.push(() => server.stop(0));
    const served = await serve(gateways[0] as FakeGateway);
    const client = clientOf(`127.0.0.1:${port}`, served.address);
    const consumer = new Consumer(client.subscribe(SUMMARIES));
    expect((await consumer.until("failover")).error.message).toMatch("nothing was heard for");
    await consumer.until("snapshot");
    await expect.poll(() => gone.signal.aborted).toBe(true);
  }, 20_000);

  test("ends with the signal or the loop, and leaves nothing at either end", async () => {
    const served = await serve(gateways[0] as FakeGateway);
    const client = clientOf(served.address);
    const abort = new AbortController();
    for await (const { type } of client.subscribe(SUMMARIES, { signal: abort.signal })) {
      if (type === "snapshot") break;
    }
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    let events = 0;
    for await (const { type } of client.subscribe(SUMMARIES, { signal: abort.signal })) {
      events++;
      if (type === "freshness") abort.abort();
    }
    expect(events).toBe(2);
    await expect.poll(() => served.api.subscriptions).toBe(0);
  });

  test("throws what no gateway would answer otherwise", async () => {
    const served = await serve(gateways[0] as FakeGateway);
    const client = clientOf(served.address);
    const unknown = client.subscribe({ summaries: ["nope"] });
    await expect(unknown.next()).rejects.toMatchObject({ code: "NOT_FOUND" });
    const strict = client.subscribe({ ...SUMMARIES, contract: { maxStalenessMs: 10 } });
    const error = await strict.next().catch((thrown: unknown) => thrown);
    expect(errorDetail(error)?.misses).toMatchObject([{ kind: MissKind.STALE }]);
  });
});
