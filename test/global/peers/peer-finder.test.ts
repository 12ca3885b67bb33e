import { afterEach, beforeEach, expect, test } from "vitest";
import type { Directory } from "../../../global/mesh/core/address-book.js";
import { type LookupEvent, PeerFinder } from "../../../global/peers/peer-finder.js";
import { parsePeers } from "../../../global/peers/peer-list.js";
import { systemClock } from "../../../shared/clock.js";
import { MAX_GATEWAYS_PER_NAME } from "../../../shared/limits.js";
import { seededRandom } from "../../../shared/random.js";
import { DnsServer } from "../../peers/dns.js";

/** Names of gateways looked up at a real DNS server on loopback. */

const SOON_MS = 20;
const LATE_MS = 3_600_000;

let dns: DnsServer;
let finders: PeerFinder[];
let directory: Directory;
let looks: LookupEvent[];
let wake: (() => void)[];

beforeEach(async () => {
  dns = await DnsServer.start();
  finders = [];
  directory = new Map();
  looks = [];
  wake = [];
});
afterEach(async () => {
  for (const finder of finders) finder.stop();
  await dns.stop();
});

function follow(peers: string, intervalMs = SOON_MS): PeerFinder {
  const finder = new PeerFinder(
    parsePeers(peers, "--peers"),
    { intervalMs, servers: [dns.address] },
    {
      found: (found) => {
        directory = found;
      },
      looked: (event) => {
        looks.push(event);
        for (const woken of wake.splice(0)) queueMicrotask(woken);
      },
    },
    systemClock,
    seededRandom(1),
  );
  finders.push(finder);
  finder.start();
  return finder;
}

/** Resolves when something holds after a look-up. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => wake.push(resolve));
}

test("A and AAAA records come and go", async () => {
  dns.set("gw.west.example", { A: ["10.0.0.2", "10.0.0.1"], AAAA: ["fd00::1"] });
  const finder = follow("west=h:1,west=dns:gw.west.example:2390,north=n:1");
  await until(() => looks.length > 0);
  expect([...directory]).toEqual([
    ["west", ["h:1", "10.0.0.1:2390", "10.0.0.2:2390", "[fd00::1]:2390"]],
    ["north", ["n:1"]],
  ]);
  expect(finder.status()).toMatchObject([
    { region: "west", text: "dns:gw.west.example:2390", error: "" },
  ]);
  expect(finder.status()[0]?.answerAgeMs).toBeLessThan(60_000);
  dns.set("gw.west.example", { A: ["10.0.0.1", "10.0.0.9"] });
  await until(() => looks.some(({ added }) => added.includes("10.0.0.9:2390")));
  expect(directory.get("west")).toEqual(["h:1", "10.0.0.1:2390", "10.0.0.9:2390"]);
  const change = looks.find(({ removed }) => removed.length > 0);
  expect(change?.removed).toEqual(["10.0.0.2:2390", "[fd00::1]:2390"]);
});

test("SRV records bring ports, and the addresses of their targets", async () => {
  dns.set("_atoll._tcp.west.example", { SRV: ["a.west.example:1001", "b.west.example:1002"] });
  dns.set("a.west.example", { A: ["10.0.0.1"] });
  dns.set("b.west.example", { A: ["10.0.0.1"], AAAA: ["fd00::2"] });
  follow("west=srv:_atoll._tcp.west.example");
  await until(() => looks.length > 0);
  expect(directory.get("west")).toEqual(["10.0.0.1:1001", "10.0.0.1:1002", "[fd00::2]:1002"]);
});

test("a server that fails leaves the last answer, and is said to fail until it answers", async () => {
  dns.set("gw.west.example", { A: ["10.0.0.1"] });
  const finder = follow("west=dns:gw.west.example:1");
  await until(() => looks.length > 0);
  dns.mode = "failing";
  await until(() => looks.some(({ error }) => error !== ""));
  expect(directory.get("west")).toEqual(["10.0.0.1:1"]);
  const [status] = finder.status();
  expect(status?.error).toMatch(/^A of gw\.west\.example: .*ESERVFAIL/);
  expect(status?.addresses).toEqual(["10.0.0.1:1"]);
  dns.mode = "answering";
  dns.set("gw.west.example", { A: ["10.0.0.7"] });
  await until(() => looks.some(({ added }) => added.includes("10.0.0.7:1")));
  expect(finder.status()[0]?.error).toBe("");
  expect(looks.filter(({ isTurn }) => isTurn)).toHaveLength(2);
});

test("questions that are lost leave the last answer", async () => {
  dns.set("gw.west.example", { A: ["10.0.0.1"] });
  const finder = follow("west=dns:gw.west.example:1");
  await until(() => looks.length > 0);
  dns.mode = "silent";
  await until(() => looks.some(({ error }) => error.includes("ETIMEOUT")));
  expect(finder.status()[0]?.addresses).toEqual(["10.0.0.1:1"]);
}, 60_000);

test("a name that was emptied, or isn't there any more, leaves the last addresses", async () => {
  dns.set("gw.west.example", { A: ["10.0.0.1"] });
  const finder = follow("west=dns:gw.west.example:1");
  await until(() => looks.length > 0);
  for (const records of [{ A: [] }, {}]) {
    dns.set("gw.west.example", records);
    const before = looks.length;
    await until(() => looks.slice(before).some(({ error }) => error.includes("no addresses")));
    expect(finder.status()[0]?.addresses).toEqual(["10.0.0.1:1"]);
    expect(directory.get("west")).toEqual(["10.0.0.1:1"]);
  }
});

test("what one question lost doesn't take away what another one answered", async () => {
  dns.set("srv.west.example", { SRV: ["a.west.example:1", "b.west.example:2"] });
  dns.set("a.west.example", { A: ["10.0.0.1"] });
  dns.set("b.west.example", { A: ["10.0.0.2"] });
  follow("west=srv:srv.west.example");
  await until(() => looks.length > 0);
  // One target's records are gone, its name is still told of.
  dns.set("a.west.example", { A: [] });
  await until(() => looks.some(({ removed }) => removed.length > 0));
  expect(directory.get("west")).toEqual(["10.0.0.2:2"]);
});

test("a failed stream has its region's names looked up before their time, at a bounded rate", async () => {
  dns.set("gw.west.example", { A: ["10.0.0.1"] });
  dns.set("gw.east.example", { A: ["10.0.1.1"] });
  const finder = follow("west=dns:gw.west.example:1,east=dns:gw.east.example:1", LATE_MS);
  await until(() => looks.length === 2);
  dns.set("gw.west.example", { A: ["10.0.0.2"] });
  const { questions } = dns;
  for (let i = 0; i < 50; i++) finder.doubt("west");
  await until(() => looks.length === 3);
  expect(directory.get("west")).toEqual(["10.0.0.2:1"]);
  expect(looks[2]?.name).toBe("dns:gw.west.example:1");
  expect(dns.questions - questions).toBe(2);
});

test("of very many addresses the first count, and that is said", async () => {
  const all = Array.from({ length: 40 }, (_, i) => `10.0.0.${i}`);
  const more = Array.from({ length: 40 }, (_, i) => `fd00::${i + 1}`);
  dns.set("gw.west.example", { A: all, AAAA: more });
  const finder = follow("west=dns:gw.west.example:1");
  await until(() => looks.length > 0);
  expect(directory.get("west")).toHaveLength(MAX_GATEWAYS_PER_NAME);
  expect(finder.status()[0]?.error).toBe(`80 addresses, of which ${MAX_GATEWAYS_PER_NAME} count`);
});

test("a name that was never answered has no age, and the region no gateways", async () => {
  const finder = follow("west=dns:gw.west.example:1");
  await until(() => looks.length > 0);
  expect(finder.status()).toEqual([
    {
      region: "west",
      text: "dns:gw.west.example:1",
      addresses: [],
      answerAgeMs: undefined,
      error: "gw.west.example has no addresses",
    },
  ]);
  expect(directory.size).toBe(0);
});
