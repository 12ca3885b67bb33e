import { afterAll, beforeAll, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { leaderIndex } from "./leader.js";

/** Priorities: the best member leads while it can, the next best when it can't. */
let region: Region;
beforeAll(async () => {
  region = await startRegion({
    members: 3,
    wrapper: (index) => ["env", `ATOLL_PRIORITY=${10 * index}`],
  });
});
afterAll(() => region?.stop());

async function untilLeads(index: number): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while ((await leaderIndex(region.endpoints)) !== index) {
    if (Date.now() > giveUpAt) throw new Error(`member ${index} doesn't lead`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("the best member leads, and takes over again when it has come back", async () => {
  const client = new EtcdClient({ endpoints: region.endpoints });
  await untilLeads(2);
  await region.child(2).kill();
  await untilLeads(1);
  await put(client, "k", "v");
  await region.restart(2);
  await untilLeads(2);
  await put(client, "k", "w");
  client.close();
}, 120_000);
