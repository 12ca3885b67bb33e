import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { atoll } from "../peers/cli.js";
import { startEtcd } from "../peers/etcd.js";
import { startWorld, type World } from "../peers/gateway.js";
import { SECURED_NAME, type SecuredEtcd, startSecuredEtcd } from "../peers/secured-etcd.js";
import { Subscriber } from "../peers/subscriber.js";

/**
 * A region that is somebody's existing etcd cluster of three members, with TLS, client
 * certificates, and a user that has just the rights which global/source/README.md tells.
 * What it lacks is said, lastingly, and the gateway goes on by itself when that is mended.
 */
const DEFINITION = `name: machines
prefix: /machines/
groupBy: [value.app]
measures:
  n: count()
`;
const RIGHTS = [
  ["read", "/", "0"],
  ["write", "/atoll/incarnation"],
  ["write", "/atoll/lineage"],
] as const;
const TOKEN_SECONDS = 3;
const WAIT = { timeout: 60_000, interval: 200 };

let folder: string;
let etcd: SecuredEtcd;
let world: World;
let written = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-existing-"));
  etcd = await startSecuredEtcd({ members: 3, folder, tokenSeconds: TOKEN_SECONDS });
  await etcd.enableUsers([{ name: "gateway", password: "secret", rights: RIGHTS }]);
  await etcd.asRoot("put", "/atoll/summaries/machines", DEFINITION);
  const west = await startEtcd({ members: 1 });
  await copyFile(etcd.at("ca.pem"), etcd.at("gateway-ca.pem"));
  world = await startWorld({
    regions: ["east", "west"],
    stores: new Map([
      ["east", etcd.cluster],
      ["west", west],
    ]),
    etcd: new Map([
      [
        "east",
        {
          cacert: etcd.at("gateway-ca.pem"),
          cert: etcd.at("client.pem"),
          key: etcd.at("client.key"),
          "server-name": SECURED_NAME,
          user: "gateway",
          "password-file": etcd.at("password"),
        },
      ],
    ]),
  });
});
afterAll(async () => {
  const stores = [etcd?.cluster, world?.region("west")];
  await world?.stop();
  for (const store of stores) await store?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Writes one more record in the east and sees it in the west. */
async function comesThrough(): Promise<void> {
  const key = `/machines/${++written}`;
  // While members elect a leader a put may fail; the same record again is no other one.
  await vi.waitFor(() => etcd.asRoot("put", key, '{"app":"api"}'), WAIT);
  const subscriber = new Subscriber(world.gateway("west").address.grpc, "machines");
  try {
    await subscriber.until((s) => s.groups.get("api")?.[0] === written, WAIT.timeout);
  } finally {
    subscriber.close();
  }
}

/** What east's gateway says at /readyz, with the status. */
async function readyz(): Promise<string> {
  const response = await fetch(`http://${world.gateway("east").address.http}/readyz`);
  return `${response.status} ${await response.text()}`;
}

async function metrics(): Promise<string> {
  return await (await fetch(`http://${world.gateway("east").address.http}/metrics`)).text();
}

/** Kills east's gateway, and all that it could serve of a life before. */
async function loseGateway(): Promise<void> {
  const gateway = world.gateway("east");
  await gateway.child.kill();
  await rm(gateway.dataDir, { recursive: true, force: true });
}

/** What `atoll status` notes of east's gateway. */
async function noted(): Promise<string> {
  const { stdout } = await atoll(world.topologyFile, "status", "-o", "json");
  const { regions } = JSON.parse(stdout) as {
    regions: { region: string; gateways: { notes: string[] }[] }[];
  };
  return regions.find(({ region }) => region === "east")?.gateways[0]?.notes.join("; ") ?? "";
}

/** The same trouble is told everywhere; then it is mended, and told no more. */
async function isToldUntilMended(text: RegExp, mend: () => Promise<unknown>): Promise<void> {
  await expect.poll(readyz, WAIT).toMatch(text);
  expect(await noted()).toMatch(text);
  // Not only for a moment between two tries.
  for (let look = 0; look < 10; look++) expect(await readyz()).toMatch(text);
  expect(await metrics()).toMatch(/^atoll_global_source_trouble{.*} 1$/m);
  expect(world.gateway("east").child.output()).toMatch(text);
  await mend();
  await expect.poll(readyz, WAIT).toBe("200 ok\n");
  await comesThrough();
  await expect.poll(noted, WAIT).toBe("");
  expect(await metrics()).toMatch(/^atoll_global_source_trouble{.*} 0$/m);
}

test("is read with no more rights than the README tells", async () => {
  await comesThrough();
  expect(await readyz()).toBe("200 ok\n");
  expect(await metrics()).toMatch(/^atoll_global_source_state{state="live",.*} 1$/m);
  const readme = await readFile(join(import.meta.dirname, "../../global/source/README.md"), "utf8");
  for (const right of RIGHTS) {
    expect(readme).toContain(`etcdctl role grant-permission atoll-gateway ${right.join(" ")}`);
  }
});

test("goes on after its token has expired, and at another member when one is lost", async () => {
  const gateway = world.gateway("east").child;
  gateway.signal("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, (TOKEN_SECONDS + 2) * 1_000));
  gateway.signal("SIGCONT");
  await comesThrough();
  for (const lost of [0, 1, 2]) {
    await etcd.cluster.child(lost).kill();
    await comesThrough();
    await etcd.cluster.restart(lost);
  }
});

test("a password that was changed is told until the gateway has it, or it is changed back", async () => {
  const refused = /can't log in as gateway: .*authentication failed/;
  await etcd.setPassword("gateway", "other");
  await isToldUntilMended(refused, () => etcd.setPassword("gateway", "secret"));
  await etcd.setPassword("gateway", "next");
  await isToldUntilMended(refused, () => writeFile(etcd.at("password"), "next\n"));
});

test("a right that is missing is told until it is granted", async () => {
  await etcd.asRoot("role", "revoke-permission", "gateway", "/atoll/lineage");
  await isToldUntilMended(/writing \/atoll\/lineage: .*permission denied to gateway/, () =>
    etcd.asRoot("role", "grant-permission", "gateway", "write", "/atoll/lineage"),
  );
  await loseGateway();
  await etcd.asRoot("role", "revoke-permission", "gateway", "/", "0");
  const ready = world.gateway("east").restart();
  await expect.poll(() => readyz().catch(() => ""), WAIT).toMatch(/^503 .*reading \/atoll\//);
  await isToldUntilMended(/reading \/atoll\/.*permission denied to gateway/, () =>
    etcd.asRoot("role", "grant-permission", "gateway", "read", "/", "0"),
  );
  await ready;
});

test("an authority that the members' certificates are not of is told until it is replaced", async () => {
  await loseGateway();
  await copyFile(etcd.at("client.pem"), etcd.at("gateway-ca.pem"));
  const ready = world.gateway("east").restart();
  await expect.poll(() => readyz().catch(() => ""), WAIT).toMatch(/^503 .*certificate/);
  await isToldUntilMended(/certificate/, () =>
    copyFile(etcd.at("ca.pem"), etcd.at("gateway-ca.pem")),
  );
  await ready;
});

test("the command line goes the same way, and says what it lacks", async () => {
  const ok = await atoll(world.topologyFile, "digest", "verify", "machines");
  expect(ok.stderr).toBe("");
  expect(ok.stdout).toMatch(/west-g0 .*same/);
  const status = await atoll(world.topologyFile, "status");
  expect(status.stdout).toMatch(/east +etcd-0 +(leader|follower) /);
  const definition = etcd.at("services.yaml");
  await writeFile(definition, "name: services\nprefix: /services/\nmeasures:\n  n: count()\n");
  const apply = ["summary", "apply", "-f", definition, "--region", "east"] as const;
  const denied = await atoll(world.topologyFile, ...apply);
  expect(denied.code).toBe(1);
  expect(denied.stdout).toContain("permission denied to gateway");
  await writeFile(etcd.at("root-password"), "secret");
  const tls = ["--etcd-cacert", etcd.at("ca.pem"), "--etcd-cert", etcd.at("client.pem")] as const;
  const root = ["--etcd-key", etcd.at("client.key"), "--etcd-user", "root"] as const;
  const applied = await atoll(
    world.topologyFile,
    ...apply,
    ...tls,
    ...root,
    ...["--etcd-password-file", etcd.at("root-password")],
  );
  expect(applied.stderr).toBe("");
  expect(applied.stdout).toContain("applied at revision");
  await writeFile(etcd.at("root-password"), "wrong");
  const wrong = await atoll(
    world.topologyFile,
    ...["region", "restore-epoch", "raise", "east", "--yes"],
    ...tls,
    ...root,
    ...["--etcd-password-file", etcd.at("root-password")],
  );
  expect(wrong.stderr).toMatch(/can't log in as root: .*authentication failed/);
  const stranger = await atoll(world.topologyFile, "status", "--etcd-cert", "client.pem");
  expect(stranger.stderr).toContain("--etcd-cert: means nothing without --etcd-cacert");
});
