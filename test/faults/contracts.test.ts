import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AtollClient } from "../../shared/client/client.js";
import type { AtollEvent } from "../../shared/client/events.js";
import { errorDetail } from "../../shared/client/failure.js";
import { measureOf } from "../../shared/client/measure.js";
import { MergedView } from "../../shared/client/merged-view.js";
import { writtenAt } from "../../shared/client/written.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { encodeIncarnation, parseIncarnation } from "../../shared/etcd/incarnation.js";
import { INCARNATION_KEY } from "../../shared/etcd/keys.js";
import { get } from "../../shared/etcd/kv.js";
import { type MinVersion, MissKind } from "../../shared/gen/atoll/global/v1/contract_pb.js";
import { KV } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { Child } from "../peers/child.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { startWorld, type World } from "../peers/gateway.js";
import { REPOSITORY_ROOT } from "../peers/paths.js";

/**
 * What consumers may rely on, on real processes: a write of one region is there to read in
 * another once Wait says so; a client whose gateway is killed goes on at the next without
 * losing or repeating a state; the README's example runs as it stands. One region is an
 * etcd cluster, the other one of our own members.
 */
const DEFINITION = `name: services
prefix: /services/
where: value.up
groupBy: [value.service]
measures:
  instances: count()
  capacity: sum(value.rps)
`;
const DELAYS = 60_000;

let world: World;
let folder: string;
const service = (name: string, rps: number): string =>
  JSON.stringify({ service: name, up: true, rps });
const put = (region: string, key: string, value: string): Promise<string> =>
  etcdctlOk(world.region(region).endpoints, "put", key, value);
const gatewaysOf = (...regions: string[]): string[] =>
  regions.flatMap((region) => [0, 1].map((n) => world.gateway(region, n).address.grpc));

beforeAll(async () => {
  // Within the package, so that a script there finds `atoll/client`.
  folder = await mkdtemp(join(REPOSITORY_ROOT, "dist", "readme-example-"));
  world = await startWorld({
    regions: ["us-east", "eu-west"],
    gateways: 2,
    engine: (region) => (region === "eu-west" ? "etcd" : "atoll"),
  });
  for (const { endpoints } of world.regions.values()) {
    await etcdctlOk(endpoints, "put", "/atoll/summaries/services", DEFINITION);
  }
  await put("us-east", "/services/pay-1", service("pay", 120));
  await put("eu-west", "/services/pay-7", service("pay", 80));
});
afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Puts a record through the region's etcd API, as any client would, and gives the answer's header. */
async function putForHeader(region: string, key: string, value: string) {
  const client = new RpcClient(world.region(region).endpoints[0] as string);
  try {
    const request = { key: Buffer.from(key), value: Buffer.from(value) };
    const { header } = await client.unary(KV.method.put, request);
    if (header === undefined) throw new Error("the answer to a put has no header");
    return header;
  } finally {
    client.close();
  }
}

test("a write is there to read in another region once Wait has answered", async () => {
  const client = new AtollClient({ gateways: gatewaysOf("us-east") });
  try {
    for (let n = 1; n <= 20; n++) {
      const header = await putForHeader("eu-west", "/services/counter", service("counter", n));
      const demand = writtenAt("eu-west", header);
      const contract = { regions: [{ ...demand, maxStalenessMs: DELAYS }] };
      const { met, regions } = await client.wait({ summary: "services", contract });
      expect(met).toBe(true);
      const part = regions.find(({ region }) => region === "eu-west");
      expect(part?.version?.revision).toBeGreaterThanOrEqual(header.revision);
      const { groups, definition } = await client.get({
        ...{ summary: "services", contract },
        groups: { keys: ['["counter"]'] },
      });
      expect(measureOf(groups[0], definition, "capacity")).toBe(n);
    }
    const { revision, clusterId } = await putForHeader("eu-west", "/other", "x");
    const ahead = writtenAt("eu-west", { clusterId, revision: revision + 1_000_000n });
    const contract = { regions: [ahead] };
    const request = { summary: "services", contract, timeoutMs: 50 };
    const error = await client.wait(request).catch((thrown: unknown) => thrown);
    expect(errorDetail(error)?.misses).toMatchObject([{ kind: MissKind.BEHIND }]);
  } finally {
    client.close();
  }
});

test("resolve knows intents and round trips at every gateway of a region", async () => {
  await put("eu-west", "/atoll/intent", JSON.stringify({ format: 1, intent: "draining" }));
  for (const gateway of gatewaysOf("us-east")) {
    const client = new AtollClient({ gateways: [gateway] });
    const request = { summary: "services", group: '["pay"]', capacity: "capacity" };
    await expect
      .poll(
        async () => {
          const { candidates } = await client.resolve(request);
          return candidates.map(({ freshness, eligible, rttMs, notes }) => [
            freshness?.region,
            eligible,
            rttMs !== undefined,
            notes.join(),
          ]);
        },
        { timeout: DELAYS },
      )
      .toEqual([
        ["us-east", true, true, ""],
        ["eu-west", false, true, "it is draining"],
      ]);
    client.close();
  }
  await etcdctlOk(world.region("eu-west").endpoints, "del", "/atoll/intent");
});

test("a client goes on at the next gateway when its own is killed, and loses and repeats nothing", async () => {
  const [first, second] = gatewaysOf("us-east");
  const client = new AtollClient({ gateways: [first as string, second as string] });
  const view = new MergedView();
  const events: AtollEvent[] = [];
  const values: number[] = [];
  let written = 0;
  const over = new AbortController();
  const write = async (): Promise<void> => {
    while (!over.signal.aborted) await put("eu-west", "/services/tick", service("tick", ++written));
  };
  const writing = write();
  try {
    let last = 0;
    for await (const event of client.subscribe({ summaries: ["services"] })) {
      view.apply(event);
      if (event.type !== "freshness") events.push(event);
      const { groups, definition } = view.summary("services") ?? {};
      const value = measureOf(groups?.get('["tick"]'), definition, "capacity") ?? 0;
      if (event.type === "delta") values.push(value);
      if (value < last) expect.unreachable(`it went back from ${last} to ${value}`);
      last = value;
      if (values.length === 5) await world.gateway("us-east", 0).child.kill();
      const failedOverAt = events.findIndex(({ type }) => type === "failover");
      if (failedOverAt >= 0 && events.length > failedOverAt + 8) over.abort();
      if (over.signal.aborted && value === written) break;
    }
    const fresh = await client.get({ summary: "services" });
    expect(new Map(view.summary("services")?.groups)).toEqual(
      new Map(fresh.groups.map((group) => [group.key, group])),
    );
  } finally {
    over.abort();
    await writing;
    client.close();
  }
  expect(events.filter(({ type }) => type === "snapshot")).toHaveLength(1);
  // Each state once: no update repeats a value that was had.
  expect(new Set(values).size).toBe(values.length);
  await world.gateway("us-east", 0).restart();
}, 120_000);

test("the README's example runs", async () => {
  const readme = await readFile(join(REPOSITORY_ROOT, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block as string);
  expect(blocks).toHaveLength(1);
  const [east, west] = [gatewaysOf("us-east")[0], gatewaysOf("eu-west")[0]];
  const script = (blocks[0] as string)
    .replace("127.0.0.1:20050", east as string)
    .replace("127.0.0.1:20150", west as string);
  const file = join(folder, "example.mjs");
  await writeFile(file, script);
  const child = new Child("example", process.execPath, [file], process.env);
  try {
    await child.until(async () => child.output().includes("pay: 2"), DELAYS);
    expect(child.output()).toMatch(/^serve pay from (us-east|eu-west)$/m);
    await put("us-east", "/services/pay-2", service("pay", 5));
    await child.until(async () => child.output().includes("pay: 3"), DELAYS);
  } finally {
    await child.kill();
  }
});

test("a write that a restore has undone is LINEAGE_LOST in another region", async () => {
  const { endpoints } = world.region("eu-west");
  const etcd = new EtcdClient({ endpoints });
  const client = new AtollClient({ gateways: gatewaysOf("us-east") });
  try {
    const kept = await putForHeader("eu-west", "/services/kept", service("kept", 1));
    const gone = await putForHeader("eu-west", "/services/gone", service("gone", 1));
    const { kv } = await get(etcd, INCARNATION_KEY);
    const before = parseIncarnation(Buffer.from(kv?.value ?? []).toString());
    // What a restore does before the region serves again.
    const after = {
      counter: before.counter + 1,
      nonce: randomBytes(16).toString("hex"),
      baseRevision: Number(kept.revision),
      parentNonce: before.nonce,
    };
    await put("eu-west", INCARNATION_KEY, encodeIncarnation(after));
    const nonceOf = async (): Promise<string | undefined> => {
      const { regions } = await client.regions();
      return regions.find(({ freshness }) => freshness?.region === "eu-west")?.freshness?.version
        ?.nonce;
    };
    await expect.poll(nonceOf, { timeout: DELAYS }).toBe(after.nonce);
    const waitFor = (revision: bigint, life: MinVersion["life"]) =>
      client.wait({
        summary: "services",
        contract: { regions: [{ region: "eu-west", minVersion: { revision, life } }] },
      });
    const formerLife = { case: "nonce", value: before.nonce } as const;
    expect((await waitFor(kept.revision, formerLife)).met).toBe(true);
    const lost = await waitFor(gone.revision, formerLife).catch((thrown: unknown) => thrown);
    expect(lost).toMatchObject({ code: "DATA_LOSS" });
    expect(errorDetail(lost)?.misses).toMatchObject([{ kind: MissKind.LINEAGE_LOST, final: true }]);
    // The cluster id is the same in both lives: that alone doesn't tell.
    const cluster = { case: "clusterId", value: gone.clusterId } as const;
    const unsure = await waitFor(gone.revision, cluster).catch((thrown: unknown) => thrown);
    expect(errorDetail(unsure)?.misses).toMatchObject([{ kind: MissKind.AMBIGUOUS }]);
    const { http } = world.gateway("us-east").address;
    const metrics = await (await fetch(`http://${http}/metrics`)).text();
    expect(metrics).toMatch(/^atoll_global_waits_total\{outcome="impossible",.*\} 2$/m);
    expect(metrics).toMatch(
      /^atoll_global_contract_refusals_total\{method="Wait",kind="lineage-lost",.*\} 1$/m,
    );
  } finally {
    client.close();
    etcd.close();
  }
});
