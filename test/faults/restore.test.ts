import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NoticeKind } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { type HoldingsResponse, TrustService } from "../../shared/gen/atoll/trust/v1/trust_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { RpcServer } from "../../shared/rpc/server.js";
import { atoll } from "../peers/cli.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";

/**
 * Existing etcd clusters whose data are put back to an earlier copy, which keeps cluster
 * id and term: noticed, refused with the command that resolves it, and resolved by it.
 * Two stores that both went on from one copy are a conflict until an operator settles it.
 */
const DEFINITION =
  "name: machines\nprefix: /machines/\ngroupBy: [value.app]\nmeasures:\n  n: count()\n";
const WAIT_MS = 60_000;
const POLL_MS = 100;

let world: World;
let etcd: ReturnType<World["region"]>;
let folder: string;
/** Where east's only member keeps its data, and a copy of them. */
let data: string;
let backup: string;
/** Who follows the summary at west's gateway through all of this. */
let consumer: Subscriber;
const noticesOf = (of: string): NoticeKind[] =>
  consumer.notices.filter(({ region }) => region === of).map(({ kind }) => kind);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-restore-"));
  backup = join(folder, "backup");
  const etcdDataDir = (region: string): string => join(folder, region);
  world = await startWorld({ regions: ["east", "west"], engine: "etcd", etcdDataDir });
  etcd = world.region("east");
  data = join(etcdDataDir("east"), etcd.members[0]?.name ?? "");
  await etcdctlOk(etcd.endpoints, "put", "/atoll/summaries/machines", DEFINITION);
  await write("first");
  consumer = new Subscriber(world.gateway("west").address.grpc, "machines");
});
afterAll(async () => {
  consumer?.close();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

const write = (app: string): Promise<string> =>
  etcdctlOk(etcd.endpoints, "put", `/machines/${app}`, JSON.stringify({ app }));

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + WAIT_MS;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > giveUpAt) throw new Error(`not so after ${WAIT_MS} ms: ${what}`);
    await once(AbortSignal.timeout(POLL_MS), "abort");
  }
}

async function holdings(region: string): Promise<HoldingsResponse> {
  const client = new RpcClient(world.gateway(region).address.grpc);
  try {
    return await client.unary(TrustService.method.holdings, { regions: ["east"] });
  } finally {
    client.close();
  }
}

async function heldInWest(): Promise<{ counter: number; revision: number; groups: number }> {
  const [east] = (await holdings("west")).regions;
  const [section] = east?.sections ?? [];
  return {
    counter: Number(east?.incarnation?.counter ?? 0n),
    revision: Number(section?.claim?.version?.revision ?? 0n),
    groups: Number(section?.groups ?? 0n),
  };
}

/** Runs something while the store is down, as one who copies its files would. */
async function whileDown(work: () => Promise<void>): Promise<void> {
  await etcd.child(0).kill();
  await work();
  await etcd.restart(0);
}

async function putBack(): Promise<void> {
  await rm(data, { recursive: true });
  await cp(backup, data, { recursive: true });
}

async function refusal(): Promise<string> {
  return (await holdings("east")).regions[0]?.refused ?? "";
}

test("what each gateway holds is what the region's state gives", async () => {
  await until("west has the first record", async () => (await heldInWest()).groups === 1);
  await until("all is verified", async () => {
    const { code, stdout } = await atoll(world.topologyFile, "digest", "verify", "-o", "json");
    const { sections } = JSON.parse(stdout) as { sections: { gateway: string; verdict: string }[] };
    const gateways = sections.map(({ gateway }) => gateway).sort();
    return code === 0 && gateways.join() === "east-g0,west-g0";
  });
});

test("a gateway that holds something else is named", async () => {
  const liar = new RpcServer({ observe: undefined, report: () => {} }).add(TrustService, {
    holdings: async () => {
      const answer = await holdings("west");
      const root = answer.regions[0]?.sections[0]?.claim?.root;
      if (root !== undefined) root[0] = (root[0] ?? 0) ^ 1;
      return answer;
    },
    command: () => ({ $typeName: "atoll.trust.v1.CommandResponse", news: false }),
  });
  const grpc = `127.0.0.1:${await liar.listen("127.0.0.1:0")}`;
  const file = join(folder, "liar.json");
  const [east, ...others] = world.topology.regions;
  const gateways = [...(east?.gateways ?? []), { name: "liar", grpc, http: grpc }];
  await writeFile(file, JSON.stringify({ regions: [{ ...east, gateways }, ...others] }));
  try {
    const { code, stdout, stderr } = await atoll(file, "digest", "verify", "machines");
    expect(code).toBe(1);
    expect(stderr).toContain("not what the region's state gives: liar (machines of east)");
    expect(stdout).toMatch(/liar .*differs: the region's state gives/);
    expect(stdout).toMatch(/east-g0 .*same/);
  } finally {
    await liar.stop(0);
  }
});

test("a store that went back is refused, also by a gateway that remembers nothing", async () => {
  await whileDown(() => cp(data, backup, { recursive: true }));
  await write("second");
  await until("west has the second record", async () => (await heldInWest()).groups === 2);
  const { revision: second } = await heldInWest();
  // Only a lineage record among what is lost can show a store that has overtaken.
  await until("west has a later word", async () => (await heldInWest()).revision > second);
  const { revision } = await heldInWest();
  const gateway = world.gateway("east");
  await gateway.child.kill();
  await whileDown(putBack);
  // The copy goes on until it has overtaken what was seen of the life before.
  for (;;) {
    const answer = await etcdctlOk(etcd.endpoints, "put", "/other", "x", "-w", "json");
    const at = (JSON.parse(answer) as { header: { revision: number } }).header.revision;
    if (at > revision + 5) break;
  }
  void gateway.restart().catch(() => {});
  await until("it is refused", async () => (await refusal()) !== "");
  expect(await refusal()).toMatch(/went back|forked/);
  expect((await heldInWest()).groups).toBe(2);
});

test("the command that the refusal names resolves it", async () => {
  const command = ["region", "restore-epoch", "raise", "east"] as const;
  const asked = await atoll(world.topologyFile, ...command);
  expect(asked.code).toBe(1);
  expect(asked.stderr).toContain("east begins incarnation 2");
  expect(asked.stderr).toContain("say --yes");
  const raised = await atoll(world.topologyFile, ...command, "--yes", "-o", "json");
  expect(raised.stderr).toBe("");
  expect(JSON.parse(raised.stdout)).toMatchObject({ region: "east", counter: 2, silent: [] });
  await until("west has the new life", async () => {
    const { counter, groups } = await heldInWest();
    return counter === 2 && groups === 1;
  });
  expect(await refusal()).toBe("");
  await consumer.until(() => noticesOf("east").includes(NoticeKind.RESTORE));
  const restore = consumer.notices.find(({ kind }) => kind === NoticeKind.RESTORE);
  expect([restore?.before?.incarnation, restore?.now?.incarnation]).toEqual([1n, 2n]);
  await consumer.until(({ groups }) => groups.size === 1);
});

test("a second restore of the same copy is refused until an operator adopts it", async () => {
  const nonce = "ab".repeat(16);
  const twin = { format: 1, counter: 2, nonce, baseRevision: 0, parentNonce: "" };
  await whileDown(putBack);
  await etcdctlOk(etcd.endpoints, "put", "/atoll/incarnation", JSON.stringify(twin));
  await write("third");
  await until("it is refused", async () =>
    (await refusal()).includes("two restores of one backup"),
  );
  expect((await heldInWest()).groups).toBe(1);
  const adopted = await atoll(world.topologyFile, "region", "adopt", "east", "abab", "--yes");
  expect(adopted.stderr).toBe("");
  await until("west has the adopted life", async () => {
    const incarnation = (await holdings("west")).regions[0]?.incarnation;
    const held = Buffer.from(incarnation?.nonce ?? new Uint8Array(0)).toString("hex");
    return held === nonce && (await heldInWest()).groups === 2;
  });
  expect(await refusal()).toBe("");
  const verified = await atoll(world.topologyFile, "digest", "verify", "machines");
  expect(verified.stderr).toBe("");
});

test("an operator's order removes a region for good, and only an operator's", async () => {
  const command = ["region", "forget", "east"] as const;
  const asked = await atoll(world.topologyFile, ...command);
  expect(asked.stderr).toContain("with all its incarnations up to 2");
  const forged = ["--yes", "--operator-key", world.keys.signingKey("west")] as const;
  const refused = await atoll(world.topologyFile, ...command, ...forged);
  expect(refused.stderr).toContain("it is signed by a key that isn't bound to an operator");
  const done = await atoll(world.topologyFile, ...command, "--yes");
  expect(done.stderr).toBe("");
  await until("west holds nothing of it", async () => (await heldInWest()).counter === 0);
  await consumer.until(() => noticesOf("east").includes(NoticeKind.FORGOTTEN));
  await consumer.until(({ groups }) => groups.size === 0);
  const adopt = await atoll(world.topologyFile, "region", "adopt", "east", "ffffffff", "--yes");
  expect(adopt.stderr).toContain("no life of east have a nonce ffffffff");
});
