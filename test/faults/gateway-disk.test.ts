import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { atoll } from "../peers/cli.js";
import { type Gateway, startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { DiskFault } from "./disk-fault.js";
import { eventually, metric } from "./metric.js";

/** A gateway whose disk is full or fails serves on, says so, and saves again once it can. */
const DEFINITION =
  "name: machines\nprefix: /machines/\ngroupBy: [value.app]\nmeasures:\n  n: count()\n";

let world: World;
let gateway: Gateway;
let client: EtcdClient;

beforeAll(async () => {
  world = await startWorld({ regions: ["east"] });
  gateway = world.gateway("east");
  client = new EtcdClient({ endpoints: world.region("east").endpoints });
  await put(client, "/atoll/summaries/machines", DEFINITION);
});
afterAll(async () => {
  client?.close();
  await world?.stop();
});

const isUp = async (up: 0 | 1): Promise<boolean> =>
  (await metric(gateway.address.http, "atoll_global_storage_up")) === up;

describe.each([
  ["is full", "ENOSPC", "database or disk is full"],
  ["fails", "EIO", "disk I/O error"],
])("a gateway whose disk %s", (_, error, text) => {
  test("serves on and says so; what it kept is there in the end", async () => {
    const subscriber = new Subscriber(gateway.address.grpc, "machines");
    await eventually(() => isUp(1), "the view is saved");
    const files = ["view.db", "view.db-wal"].map((file) => join(gateway.dataDir, file));
    const fault = await DiskFault.on(gateway.child.pid, files, `pwrite64,ftruncate:error=${error}`);
    try {
      await eventually(() => isUp(0), "it is said that the view isn't saved");
      await put(client, `/machines/${error}`, JSON.stringify({ app: error }));
      await subscriber.until((s) => s.groups.has(error));
      const status = await atoll(world.topologyFile, "status", "-o", "json");
      expect(status.stdout).toMatch(/"view last saved (never|.* ago): .*"/);
      expect(gateway.child.output()).toContain(text);
    } finally {
      await fault.end();
    }
    await eventually(() => isUp(1), "the view is saved again");
    subscriber.close();
    await gateway.child.kill();
    await gateway.restart();
    const again = new Subscriber(gateway.address.grpc, "machines");
    await again.until((s) => s.groups.has(error));
    again.close();
    expect(await metric(gateway.address.http, "atoll_global_storage_restored_sections")).toBe(1);
  });
});
