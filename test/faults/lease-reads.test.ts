import { afterAll, beforeAll, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { leaderIndex } from "./leader.js";

/**
 * Reads by lease: a leader that was stopped, and replaced meanwhile, must not answer from its
 * memory when it wakes up, even if the read is the first thing that it finds. Its lease has run
 * out while it wasn't looking.
 */
let region: Region;
beforeAll(async () => {
  region = await startRegion({ members: 3, args: ["--reads", "lease"] });
});
afterAll(() => region?.stop());

async function valueOf(client: EtcdClient): Promise<string> {
  const { kv } = await get(client, "k", { timeoutMs: 60_000 });
  return Buffer.from(kv?.value ?? []).toString();
}

async function putUntilTaken(client: EtcdClient, value: string): Promise<void> {
  for (;;) {
    try {
      await put(client, "k", value, { timeoutMs: 2_000 });
      return;
    } catch {
      // Not acknowledged: there may be no leader yet.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test("a leader that wakes up replaced gives no stale answer", async () => {
  for (const value of ["first", "second", "third"]) {
    const stopped = await leaderIndex(region.endpoints);
    const own = new EtcdClient({ endpoints: [region.endpoints[stopped] as string] });
    const others = new EtcdClient({ endpoints: region.endpoints.filter((_, i) => i !== stopped) });
    await put(own, "k", `before ${value}`);
    expect(await valueOf(own)).toBe(`before ${value}`);
    region.child(stopped).signal("SIGSTOP");
    await putUntilTaken(others, value);
    // Waits in the stopped process's socket.
    const reads = Array.from({ length: 8 }, () => valueOf(own).catch(() => "refused"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    region.child(stopped).signal("SIGCONT");
    for (const read of await Promise.all(reads)) expect([value, "refused"]).toContain(read);
    await region.ready(stopped);
    own.close();
    others.close();
  }
}, 120_000);
