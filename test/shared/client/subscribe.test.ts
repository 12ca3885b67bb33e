import { getEventListeners } from "node:events";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorDetail } from "../../../shared/client/failure.js";
import { MissKind } from "../../../shared/gen/atoll/global/v1/contract_pb.js";
import {
  GlobalService,
  SubscribeResponseSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_GROUPS_PER_UPDATE } from "../../../shared/limits.js";
import { seededRandom } from "../../../shared/random.js";
import type { ServerStreamHandler } from "../../../shared/rpc/handlers.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import { groupKey } from "../../global/digest/model.js";
import { countsOf, SUMMARIES, TwoGateways } from "./two-gateways.js";

const API = groupKey("api");

let world: TwoGateways;
beforeEach(() => {
  world = new TwoGateways();
});
afterEach(() => world.end());

describe("subscribe", () => {
  test("goes on at the next gateway with exactly what is newer", async () => {
    const [first, second] = [await world.serve(world.first), await world.serve(world.second)];
    const client = world.client(first.address, second.address);
    const consumer = world.consumer(client);
    await consumer.until("snapshot");
    world.history.step({ api: 5 });
    for (const gateway of [world.first, world.second]) world.hear(gateway);
    // The update before the loss has no heartbeat after it: its own token has to do.
    await consumer.until("delta");
    await first.stop();
    world.history.step({ web: 7 });
    world.hear(world.second);
    const failover = await consumer.until("failover");
    expect([failover.from, failover.to]).toEqual([first.address, second.address]);
    const { groups } = await consumer.until("delta");
    expect(groups.map(({ key }) => key)).toEqual([groupKey("web")]);
    expect(consumer.counts()).toEqual(await countsOf(client));
    expect(consumer.seen).toEqual(["snapshot", "delta", "failover", "delta"]);
  });

  test("says nothing again of what the next gateway can't tell apart", async () => {
    const [first, second] = [await world.serve(world.first), await world.serve(world.second)];
    const consumer = world.consumer(world.client(first.address, second.address));
    await consumer.until("snapshot");
    world.history.step({ api: 5, web: undefined });
    world.hear(world.first);
    await consumer.until("delta");
    // The other one gets this with a later change, and takes both for changes of that revision.
    world.history.step({ new: 1 });
    world.hear(world.second, 2);
    await first.stop();
    const { groups, removed } = await consumer.until("delta");
    expect([groups.map(({ key }) => key), removed]).toEqual([[groupKey("new")], []]);
  });

  test("never goes back, though the next gateway holds less", async () => {
    const [first, second] = [await world.serve(world.first), await world.serve(world.second)];
    const consumer = world.consumer(world.client(first.address, second.address));
    await consumer.until("snapshot");
    world.history.step({ api: 5 });
    world.hear(world.first);
    await consumer.until("delta");
    await first.stop();
    await consumer.until("behind");
    expect(consumer.counts()[API]).toBe(5);
    world.history.step({ api: 6 });
    world.hear(world.second, 2);
    await consumer.until("delta");
    expect(consumer.counts()[API]).toBe(6);
    expect(consumer.seen).not.toContain("reset");
  });

  test.each([1, 2, 3])(
    "adds up to what a fresh Get says, after any failovers (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const servers = await Promise.all(
        Array.from({ length: 8 }, (_, n) => world.serve(n % 2 === 0 ? world.first : world.second)),
      );
      const client = world.client(...servers.map(({ address }) => address));
      const consumer = world.consumer(client);
      await consumer.until("snapshot");
      const heard = [world.history.last, world.history.last];
      const hearAll = (n: number): void => {
        const from = heard[n] as number;
        const gateway = n === 0 ? world.first : world.second;
        if (from < world.history.last) world.hear(gateway, world.history.last - from);
        heard[n] = world.history.last;
      };
      for (let step = 0; step < 60; step++) {
        world.history.step({
          [`app-${random.int(12)}`]: random.chance(0.3) ? undefined : step + 1,
        });
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
      world.history.step({ end: 1 });
      hearAll(0);
      hearAll(1);
      while (consumer.counts()[groupKey("end")] === undefined) await consumer.next();
      expect(consumer.counts()).toEqual(await countsOf(client));
      expect(consumer.seen.filter((type) => type === "snapshot")).toHaveLength(1);
    },
  );

  test("puts the parts of a large snapshot together", async () => {
    const size = 2 * MAX_GROUPS_PER_UPDATE + 5;
    world.history.step(Object.fromEntries(Array.from({ length: size }, (_, n) => [`app-${n}`, n])));
    world.hear(world.first);
    const client = world.client((await world.serve(world.first)).address);
    const { groups } = await world.consumer(client).until("snapshot");
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
    const address = await world.listen(server);
    const consumer = world.consumer(world.client(address));
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
    const address = await world.listen(server);
    const served = await world.serve(world.first);
    const client = world.client(address, served.address);
    const consumer = world.consumer(client);
    expect((await consumer.until("failover")).error.message).toMatch("nothing was heard for");
    await consumer.until("snapshot");
    await expect.poll(() => gone.signal.aborted).toBe(true);
  }, 20_000);

  test("ends with the signal or the loop, and leaves nothing at either end", async () => {
    const served = await world.serve(world.first);
    const client = world.client(served.address);
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
    const served = await world.serve(world.first);
    const client = world.client(served.address);
    const unknown = client.subscribe({ summaries: ["nope"] });
    await expect(unknown.next()).rejects.toMatchObject({ code: "NOT_FOUND" });
    const strict = client.subscribe({ ...SUMMARIES, contract: { maxStalenessMs: 10 } });
    const error = await strict.next().catch((thrown: unknown) => thrown);
    expect(errorDetail(error)?.misses).toMatchObject([{ kind: MissKind.STALE }]);
  });
});
