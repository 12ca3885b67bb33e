import { afterAll, beforeAll, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { leaderIndex } from "./leader.js";

/**
 * A leader that is paused (SIGSTOP: its sockets stay open, it just doesn't answer) is
 * replaced and writes go on; when it wakes up it follows, and serves what it missed.
 */
let region: Region;
beforeAll(async () => {
  region = await startRegion({ members: 3 });
});
afterAll(() => region?.stop());

async function putUntilTaken(client: EtcdClient, key: string, value: string): Promise<void> {
  for (;;) {
    try {
      await put(client, key, value, { timeoutMs: 2_000 });
      return;
    } catch {
      // Not acknowledged: a client tries again, and the pause keeps it from flooding a leaderless region.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test("a paused leader is replaced, and catches up when it wakes up", async () => {
  const paused = await leaderIndex(region.endpoints);
  const others = region.endpoints.filter((_, index) => index !== paused);
  const client = new EtcdClient({ endpoints: others });
  await put(client, "k", "before");
  region.child(paused).signal("SIGSTOP");
  await putUntilTaken(client, "k", "meanwhile");
  expect(await leaderIndex(others)).toBeGreaterThanOrEqual(0);
  region.child(paused).signal("SIGCONT");
  await region.ready(paused);
  const woken = new EtcdClient({ endpoints: [region.endpoints[paused] as string] });
  const { kv } = await get(woken, "k");
  expect(Buffer.from(kv?.value ?? []).toString()).toBe("meanwhile");
  woken.close();
  client.close();
});
