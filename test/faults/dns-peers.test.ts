import { afterAll, beforeAll, expect, test } from "vitest";
import { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import type { Topology } from "../../shared/topology.js";
import { atoll } from "../peers/cli.js";
import { DnsServer } from "../peers/dns.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { type Gateway, startWorld, type World } from "../peers/gateway.js";
import { Subscriber } from "../peers/subscriber.js";
import { eventually, metric } from "./metric.js";

/** Gateways that find each other by DNS, on real processes: replaced, and with DNS gone. */
const DEFINITION = "name: machines\nprefix: /machines/\nmeasures:\n  machines: count()\n";
const LOOKUP_MS = 300;
/** East finds west by SRV records, west finds east by A records. */
const SRV = "_atoll._tcp.gateways.west.example";
const EAST = "gateways.east.example";

let dns: DnsServer;
let world: World;
let east: Subscriber;

beforeAll(async () => {
  dns = await DnsServer.start();
  world = await startWorld({
    regions: ["east", "west"],
    gateways: 2,
    places: (region, topology) => ({
      endpoints: region.members.map(({ client }) => client).join(","),
      peers: region.name === "east" ? `west=srv:${SRV}` : `east=dns:${EAST}:${portOf(topology)}`,
      "dns-servers": dns.address,
      "peers-interval": String(LOOKUP_MS),
    }),
  });
  for (const { endpoints } of world.regions.values()) {
    await etcdctlOk(endpoints, "put", "/atoll/summaries/machines", DEFINITION);
  }
  east = new Subscriber(world.gateway("east").address.grpc, "machines");
});
afterAll(async () => {
  east?.close();
  await world?.stop();
  await dns?.stop();
});

/** Port of the first gateway in the east: an A record names none. */
function portOf({ regions }: Topology): string {
  const [gateway] = regions.find(({ name }) => name === "east")?.gateways ?? [];
  return gateway?.grpc.split(":")[1] ?? "";
}

/** Has the records of west's gateways name these. */
function announce(...gateways: readonly Gateway[]): void {
  const targets = gateways.map(({ address }) => ({
    target: `${address.name}.west.example`,
    port: address.grpc.split(":")[1],
  }));
  for (const { target } of targets) dns.set(target, { A: ["127.0.0.1"] });
  dns.set(SRV, { SRV: targets.map(({ target, port }) => `${target}:${port}`) });
}

/** West's gateways as east's first one sees them, by address. */
async function westSeen(): Promise<Map<string, string>> {
  const client = new RpcClient(world.gateway("east").address.grpc);
  try {
    const { regions } = await client.unary(GlobalService.method.regions, {});
    const west = regions.find(({ freshness }) => freshness?.region === "west");
    return new Map(west?.gateways.map(({ address, state }) => [address, state]));
  } finally {
    client.close();
  }
}

let written = 0;
async function expectNews(): Promise<void> {
  written++;
  await etcdctlOk(world.region("west").endpoints, "put", `/machines/w${written}`, "{}");
  await east.until((s) => s.groups.get("[]")?.[0] === written);
}

test("gateways that DNS names are found without a restart, and news flow", async () => {
  const [first] = [world.gateway("west", 0)];
  expect(await westSeen()).toEqual(new Map());
  announce(first);
  dns.set(EAST, { A: ["127.0.0.1"] });
  await expectNews();
  expect(await westSeen()).toEqual(new Map([[first.address.grpc, "connected"]]));
  const west = new Subscriber(world.gateway("west").address.grpc, "machines");
  await west.until((s) => s.regions.has("east"));
  west.close();
});

test("a gateway that is replaced in DNS is left for the new one, and nothing is missed", async () => {
  const [first, second] = [world.gateway("west", 0), world.gateway("west", 1)];
  announce(second);
  await eventually(async () => {
    const seen = await westSeen();
    return seen.size === 1 && seen.get(second.address.grpc) === "connected";
  }, "the successor alone is connected");
  await first.child.kill();
  await expectNews();
});

test("with DNS gone the last answer counts, and that is said; then it is asked again", async () => {
  const { http } = world.gateway("east").address;
  for (const mode of ["silent", "failing"] as const) {
    dns.mode = mode;
    await eventually(
      async () => (await metric(http, "atoll_global_peer_name_failing")) > 0,
      "the name is said to fail",
    );
    await expectNews();
  }
  const status = await atoll(world.topologyFile, "status");
  expect(status.stdout).toContain(`srv:${SRV} fails: SRV of ${SRV}: `);
  expect(status.stdout).toMatch(/; 1 known by the answer of [\d.]+ m?s ago/);
  // West's only gateway comes back elsewhere while DNS is gone: it is found when DNS is back.
  const [first, second] = [world.gateway("west", 0), world.gateway("west", 1)];
  await second.child.kill();
  await first.restart();
  announce(first);
  dns.mode = "answering";
  await expectNews();
  await eventually(
    async () => (await metric(http, "atoll_global_peer_name_failing")) === 0,
    "the name is answered again",
  );
});
