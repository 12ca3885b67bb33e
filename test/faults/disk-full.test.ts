import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { AlarmType, KV, Maintenance } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { Ballast, onSmallDisk } from "../peers/small-disk.js";
import { leaderIndex } from "./leader.js";
import { eventually, metric } from "./metric.js";

/** Three members, each on a small disk (a tmpfs) of its own, which are filled and freed. */
const DISK_MEGABYTES = 32;
const REFUSED = "etcdserver: mvcc: database space exceeded";

let folder: string;
let region: Region;
let ballasts: Ballast[];
let client: EtcdClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atoll-small-"));
  const dataDir = (index: number): string => join(folder, `member-${index}`);
  for (const index of [0, 1, 2]) mkdirSync(dataDir(index));
  region = await startRegion({
    members: 3,
    dataDir: folder,
    wrapper: (index) => onSmallDisk(dataDir(index), DISK_MEGABYTES),
  });
  ballasts = [0, 1, 2].map(
    (index) => new Ballast(`/proc/${region.child(index).pid}/root${dataDir(index)}`),
  );
  client = new EtcdClient({ endpoints: region.endpoints, timeoutMs: 15_000 });
  await put(client, "first", "kept");
  for (const ballast of ballasts) {
    await eventually(() => Promise.resolve(existsSync(ballast.beside("SPARE"))), "room is held");
  }
});
afterEach(async () => {
  client?.close();
  await region?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Waits until puts are refused for want of room. */
async function refused(): Promise<void> {
  await eventually(
    () =>
      put(client, "more", "x").then(
        () => false,
        (error: unknown) => error instanceof Error && error.message.includes(REFUSED),
      ),
    "puts are refused",
  );
  await expect(put(client, "more", "x")).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
}

async function takenAgain(key: string): Promise<void> {
  await eventually(
    () =>
      put(client, key, "again").then(
        () => true,
        () => false,
      ),
    "puts are taken again",
  );
}

async function read(key: string): Promise<string> {
  return Buffer.from((await get(client, key)).kv?.value ?? []).toString();
}

test("with too little room puts are refused, the rest goes on, and it ends by itself", async () => {
  for (const ballast of ballasts) ballast.add((DISK_MEGABYTES - 3) * 2 ** 20);
  await refused();
  expect(await read("first")).toBe("kept");
  const { alarms } = await client.unary(Maintenance.method.alarm, {});
  expect(alarms.map(({ alarm }) => alarm)).toContain(AlarmType.NOSPACE);
  const { header } = await client.unary(KV.method.deleteRange, { key: utf8("more") });
  await client.unary(KV.method.compact, { revision: header?.revision ?? 0n });
  expect(region.child(0).output()).toContain("disks have too little room");
  for (const ballast of ballasts) ballast.drop();
  await takenAgain("second");
  await eventually(
    async () => (await client.unary(Maintenance.method.alarm, {})).alarms.length === 0,
    "the alarms end",
  );
  expect(await read("second")).toBe("again");
});

test("disks that are full to the last byte stop writes only, until there is room", async () => {
  for (const ballast of ballasts) ballast.add();
  await refused();
  expect(await read("first")).toBe("kept");
  // The members have given up their spare room for this.
  const { deleted } = await client.unary(KV.method.deleteRange, { key: utf8("first") });
  expect(deleted).toBe(1n);
  for (const ballast of ballasts) ballast.drop();
  await takenAgain("second");
  expect(await read("first")).toBe("");
  for (const index of [0, 1, 2]) {
    expect(region.child(index).hasExited, region.child(index).output()).toBe(false);
  }
});

test("one full disk of three stops nothing, be it the leader's", async () => {
  const leader = await leaderIndex(region.endpoints);
  ballasts[leader]?.add();
  const value = "x".repeat(20_000);
  let written = 0;
  // One that the leader took just before it left may time out, as in any election.
  const write = () => put(client, `key-${written++ % 10}`, value).catch(() => undefined);
  const http = region.members[leader]?.http ?? "";
  await eventually(async () => {
    await write();
    return (await metric(http, "atoll_regional_disk_full")) === 1;
  }, "it is full");
  await eventually(async () => {
    await write();
    return (await metric(http, "atoll_regional_is_leader")) === 0;
  }, "another one leads");
  await put(client, "second", "taken");
  ballasts[leader]?.drop();
  await eventually(
    async () => (await metric(http, "atoll_regional_disk_full")) === 0,
    "it has room again",
  );
  const own = new EtcdClient({ endpoints: [region.endpoints[leader] ?? ""] });
  await eventually(
    () =>
      get(own, "second").then(
        ({ kv }) => Buffer.from(kv?.value ?? []).toString() === "taken",
        () => false,
      ),
    "it catches up",
  );
  own.close();
});
