import { afterEach, expect, test } from "vitest";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { AlarmType, Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { flipStoredValue } from "../peers/stored-flip.js";
import { leaderIndex } from "./leader.js";
import { Operator } from "./members.js";
import { eventually, metric } from "./metric.js";

/**
 * A bit flips in what a member keeps, so that no checksum tells: it is named by all within
 * seconds, ends, and doesn't start again; the region goes on.
 */
let region: Region;
afterEach(() => region?.stop());

test("a member whose state has changed behind its back is named by all and ends", async () => {
  region = await startRegion({ members: 3 });
  const client = new EtcdClient({ endpoints: region.endpoints, timeoutMs: 15_000 });
  for (let i = 0; i < 200; i++) await put(client, `k${i}`, `value-number-${i};`);
  const sick = ((await leaderIndex(region.endpoints)) + 1) % 3;
  const dataDir = region.members[sick]?.dataDir ?? "";
  await region.child(sick).stop();
  flipStoredValue(dataDir, "value-number-150;");
  const begunMs = performance.now();
  // It may be found out before or after it is ready.
  await region.restart(sick).catch(() => undefined);
  const child = region.child(sick);
  await child.exited;
  const tookMs = performance.now() - begunMs;
  expect(child.exitCode).toBe(1);
  expect(child.output()).toMatch(
    /has diverged from its group's: the pairs from key \\"\\" to the last one at revision 201 \(index \d+\) is [0-9a-f]{32} here, but [0-9a-f]{32} on a majority/,
  );
  for (const index of [0, 1, 2].filter((other) => other !== sick)) {
    const http = region.members[index]?.http ?? "";
    await eventually(
      async () => (await metric(http, "atoll_regional_diverged")) === 1,
      "its metric names it",
    );
    expect(region.child(index).output()).toContain("a member's state has diverged");
  }
  const { alarms } = await client.unary(Maintenance.method.alarm, {});
  expect(alarms.map(({ alarm }) => alarm)).toEqual([AlarmType.CORRUPT]);
  await put(client, "still", "here");
  expect(Buffer.from((await get(client, "still")).kv?.value ?? []).toString()).toBe("here");
  await expect(region.restart(sick)).rejects.toThrow("ended with 1");
  expect(region.child(sick).output()).toContain(`${dataDir}/DIVERGED forbids to start: the state`);
  expect(region.child(sick).output()).toContain("remove it from the group, empty");
  client.close();

  // What the message asks for: out of the group, and back as a new member.
  const rest = [0, 1, 2].filter((index) => index !== sick);
  const successor = await region.prepare(rest);
  const operator = new Operator(
    region,
    rest.map((index) => region.endpoints[index] as string),
  );
  await operator.remove(sick);
  await operator.grow(successor);
  operator.close();
  for (const index of [...rest, successor]) {
    const http = region.members[index]?.http ?? "";
    const agrees = async () => (await metric(http, "atoll_regional_audited_index")) > 0;
    await eventually(agrees, "it agrees with the others");
    await eventually(
      async () => (await metric(http, "atoll_regional_diverged")) === 0,
      "it names nobody any more",
    );
  }
  process.stdout.write(`named and ended ${tookMs.toFixed(0)} ms after its start\n`);
});
