import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put, range } from "../../shared/etcd/kv.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { leaderIndex } from "./leader.js";

/**
 * The whole way on real processes, with regions of our own members and of etcd's: a record that etcdctl puts into one region is
 * seen by a subscriber in another, and goes on being seen when a leader is killed, a
 * gateway is killed, a region is restarted.
 */
const DEFINITION = `name: machines
prefix: /machines/
where: value.status == "healthy"
groupBy: [value.app]
measures:
  machines: count()
  spare: sum(value.cpu_free)
`;

const healthy = (app: string, cpuFree: number): string =>
  JSON.stringify({ app, status: "healthy", cpu_free: cpuFree });

describe.each(["atoll", "etcd"] as const)("two regions of three members of %s", (engine) => {
  let world: World;
  let east: ReturnType<World["region"]>;
  let client: EtcdClient;

  beforeAll(async () => {
    world = await startWorld({ regions: ["east", "west"], members: 3, engine });
    east = world.region("east");
    client = new EtcdClient({ endpoints: east.endpoints });
    for (const region of world.regions.values()) {
      await etcdctlOk(region.endpoints, "put", "/atoll/summaries/machines", DEFINITION);
    }
  });
  afterAll(async () => {
    client?.close();
    await world?.stop();
  });

  test("a put in one region is seen by a subscriber in the other", async () => {
    const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
    await etcdctlOk(east.endpoints, "put", "/machines/a", healthy("api", 8));
    await subscriber.until((s) => s.groups.get("api")?.[0] === 1);
    expect(subscriber.groups.get("api")).toEqual([1, 8]);
    await etcdctlOk(east.endpoints, "put", "/machines/a", healthy("web", 4));
    await subscriber.until((s) => !s.groups.has("api") && s.groups.get("web")?.[1] === 4);
    await etcdctlOk(east.endpoints, "del", "/machines/a");
    await subscriber.until((s) => s.groups.size === 0);
    subscriber.close();
  });

  test("a killed leader is replaced, no acknowledged write is lost, and digests go on", async () => {
    const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
    const leader = await leaderIndex(east.endpoints);
    const acknowledged: string[] = [];
    const write = async (n: number): Promise<void> => {
      const key = `/machines/kill-${n}`;
      for (;;) {
        try {
          await put(client, key, healthy("kill", 1));
          acknowledged.push(key);
          return;
        } catch {
          // Not acknowledged: a client tries again. The pause keeps a leaderless region from being flooded.
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    };
    for (let n = 0; n < 20; n++) await write(n);
    const killed = east.child(leader).kill();
    for (let n = 20; n < 60; n++) await write(n);
    await killed;
    await subscriber.until((s) => s.groups.get("kill")?.[0] === 60);
    await east.restart(leader);
    const kept = await range(client, { key: "/machines/kill-", end: "/machines/kill." });
    expect(kept.kvs.map((kv) => Buffer.from(kv.key).toString()).sort()).toEqual(
      [...acknowledged].sort(),
    );
    subscriber.close();
  });

  test("a killed gateway comes back and its consumers resume", async () => {
    const gateway = world.gateway("west");
    const first = new Subscriber(gateway.address.grpc, "machines");
    await first.until((s) => s.complete && s.groups.get("kill")?.[0] === 60);
    const token = first.resumeToken;
    await gateway.child.kill();
    first.close();
    await put(client, "/machines/after-gateway", healthy("late", 2));
    await gateway.restart();
    const second = new Subscriber(gateway.address.grpc, "machines", token);
    await second.until((s) => s.groups.get("late")?.[1] === 2);
    second.close();
  });

  test("a killed gateway of the writing region is replaced by a fresh one without loss", async () => {
    const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
    await subscriber.until((s) => s.groups.has("late"));
    await world.gateway("east").child.kill();
    await put(client, "/machines/while-down", healthy("down", 3));
    await world.gateway("east").restart();
    await subscriber.until((s) => s.groups.get("down")?.[1] === 3);
    subscriber.close();
  });

  test("a region that is stopped and started keeps its data, and its digest goes on", async () => {
    const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
    await subscriber.until((s) => s.groups.has("down"));
    const before = await range(client, { key: "\0", end: "\0" });
    await Promise.all([0, 1, 2].map((index) => east.child(index).stop()));
    await Promise.all([0, 1, 2].map((index) => east.restart(index)));
    const after = await range(client, { key: "/machines/", end: "/machines0" });
    const machines = before.kvs.filter((kv) =>
      Buffer.from(kv.key).toString().startsWith("/machines/"),
    );
    expect(after.kvs).toEqual(machines);
    await put(client, "/machines/after-restart", healthy("back", 5));
    await subscriber.until((s) => s.groups.get("back")?.[1] === 5);
    subscriber.close();
  });
});
