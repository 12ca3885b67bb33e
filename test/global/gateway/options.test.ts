import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HELP, parseGatewayOptions } from "../../../global/gateway/options.js";

const OPEN = ["--region", "east", "--name", "g0", "--endpoints", "127.0.0.1:1,127.0.0.1:2"];
const BASE = [...OPEN, "--unsigned"];

let folder: string;
let topology: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-options-"));
  topology = join(folder, "topology.json");
  const region = (name: string, port: number) => ({
    name,
    members: [
      { name: "m0", client: `127.0.0.1:${port}`, peer: "127.0.0.1:1", http: "127.0.0.1:2" },
    ],
    gateways: [{ name: "g0", grpc: `127.0.0.1:${port + 1}`, http: `127.0.0.1:${port + 2}` }],
  });
  await writeFile(topology, JSON.stringify({ regions: [region("east", 10), region("west", 20)] }));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("lists of addresses make a directory that has this gateway, too", () => {
  const words = [...BASE, "--peers", "west=h:1,west=h:2,north=[::1]:3", "--grpc", "127.0.0.1:9"];
  const options = parseGatewayOptions(words, {});
  expect(options).toMatchObject({
    region: "east",
    name: "g0",
    grpc: "127.0.0.1:9",
    http: "127.0.0.1:2391",
    endpoints: ["127.0.0.1:1", "127.0.0.1:2"],
    logLevel: "info",
    pushIntervalMs: 50,
  });
  expect([...(options?.peers.directory ?? [])]).toEqual([
    ["west", ["h:1", "h:2"]],
    ["north", ["[::1]:3"]],
    ["east", ["127.0.0.1:9"]],
  ]);
});

test("a topology gives endpoints and directory", () => {
  const words = ["--region", "west", "--name", "g0", "--topology", topology, "--unsigned"];
  const options = parseGatewayOptions(words, {});
  expect(options?.endpoints).toEqual(["127.0.0.1:20"]);
  expect([...(options?.peers.directory ?? [])]).toEqual([
    ["east", ["127.0.0.1:11"]],
    ["west", ["127.0.0.1:21"]],
  ]);
});

test("keys are asked for, unless somebody says that there are none", () => {
  const words = [...OPEN, "--trust", "keys", "--signing-key", "east.pem"];
  const trust = { folder: "keys", signingKey: "east.pem" };
  expect(parseGatewayOptions(words, {})?.trust).toEqual(trust);
  const environment = { ATOLL_TRUST: "keys", ATOLL_SIGNING_KEY: "east.pem" };
  expect(parseGatewayOptions(OPEN, environment)?.trust).toEqual(trust);
  expect(parseGatewayOptions(BASE, {})?.trust).toBeUndefined();
  expect(parseGatewayOptions(OPEN, { ATOLL_UNSIGNED: "true" })?.trust).toBeUndefined();
});

test("an option goes before a variable, and a variable before the default", () => {
  const environment = { ATOLL_LOG_LEVEL: "debug", ATOLL_NAME: "other" };
  const options = parseGatewayOptions(BASE, environment);
  expect([options?.logLevel, options?.name]).toEqual(["debug", "g0"]);
});

test("help names every option", () => {
  expect(parseGatewayOptions(["--help"], {})).toBeUndefined();
  expect(parseGatewayOptions(["-h", "--region", "East!"], {})).toBeUndefined();
  for (const option of [
    "region",
    "name",
    "grpc",
    "http",
    "topology",
    "endpoints",
    "peers",
    "peers-interval",
    "dns-servers",
    "trust",
  ]) {
    expect(HELP).toContain(`--${option} `);
  }
});

describe("what is wrong is named", () => {
  const cases: [string, string[], string][] = [
    ["an unknown option", [...BASE, "--regoin", "a"], "'--regoin'"],
    ["a stray word", [...BASE, "east"], "'east'"],
    ["no region", ["--name", "g0"], "--region: is missing"],
    ["no name", ["--region", "east"], "--name: is missing"],
    ["a region that is no name", ["--region", "East", "--name", "g0"], '--region: "East" is not'],
    ["a name that is none", ["--region", "east", "--name", "-"], '--name: "-" is not a name'],
    [
      "no word of keys",
      OPEN,
      "--trust: name the folder of the regions' public keys, or say --unsigned",
    ],
    ["no key to sign with", [...OPEN, "--trust", "t"], "--signing-key: name the file of east's"],
    ["keys and none", [...BASE, "--trust", "t"], "--unsigned: give it, or --trust, not both"],
    ["a key and none", [...BASE, "--signing-key", "k"], "give it, or --signing-key, not both"],
    ["no endpoints", ["--region", "east", "--name", "g0"], "--endpoints: name the region's"],
    [
      "an endpoint without port",
      ["--region", "e", "--name", "g", "--endpoints", "a"],
      '--endpoints: "a"',
    ],
    ["a bad address", [...BASE, "--grpc", "localhost"], '--grpc: "localhost" is not host:port'],
    ["a port too high", [...BASE, "--http", "a:65536"], '--http: "a:65536" is not host:port'],
    ["a peer without region", [...BASE, "--peers", "h:1"], '--peers: "h:1" is not REGION='],
    ["a peer without port", [...BASE, "--peers", "west=h"], '--peers: "h" is not host:port'],
    ["a peer with too much", [...BASE, "--peers", "a=h:1=2"], '--peers: "a=h:1=2" is not REGION='],
    ["a peer given twice", [...BASE, "--peers", "a=h:1,a=h:1"], '--peers: "a=h:1" is given twice'],
    ["a log level", [...BASE, "--log-level", "loud"], '--log-level: "loud" is not one of'],
    ["topology and lists", [...BASE, "--topology", "x"], "--topology: give it, or --endpoints"],
    [
      "a missing topology",
      ["--region", "e", "--name", "g", "--topology", "/nowhere/t.json"],
      "can't read the topology file /nowhere/t.json",
    ],
  ];
  test.each(cases)("%s", (_, words, message) => {
    expect(() => parseGatewayOptions(words, {})).toThrow(message);
  });

  test("a region that the topology hasn't got", () => {
    const words = ["--region", "south", "--name", "g0", "--topology", topology];
    expect(() => parseGatewayOptions(words, {})).toThrow(/--region: .* has no region "south"/);
  });

  test("a variable by its own name", () => {
    const bad = (environment: Record<string, string>) => () =>
      parseGatewayOptions(BASE, environment);
    expect(bad({ ATOLL_LOG_LEVEL: "loud" })).toThrow('ATOLL_LOG_LEVEL: "loud"');
    expect(bad({ ATOLL_GRPC: "x" })).toThrow('ATOLL_GRPC: "x" is not host:port');
    expect(bad({ ATOLL_TOPOLOGY: "t" })).toThrow("ATOLL_TOPOLOGY: give it, or --endpoints");
  });
});

test("names of gateways are looked up at a bounded interval, at servers that are addresses", () => {
  const parse = (...words: string[]) => parseGatewayOptions([...BASE, ...words], {});
  expect(parse()?.lookups).toEqual({ intervalMs: 10_000, servers: [] });
  const words = ["--peers", "west=dns:gw.west.example:9", "--peers-interval", "500"];
  const options = parse(...words, "--dns-servers", "10.0.0.2,10.0.0.3:5353");
  expect(options?.lookups).toEqual({ intervalMs: 500, servers: ["10.0.0.2", "10.0.0.3:5353"] });
  expect(options?.peers.directory.get("west")).toEqual([]);
  expect(options?.peers.names).toHaveLength(1);
  for (const text of ["99", "3600001"]) {
    expect(() => parse("--peers-interval", text)).toThrow(
      `--peers-interval: "${text}" is not between 100 and 3600000 milliseconds`,
    );
  }
  expect(() => parse("--peers-interval", "1s")).toThrow("is not a whole number of milliseconds");
  expect(() => parse("--dns-servers", "ns.example")).toThrow(
    '--dns-servers: "ns.example" is not IP',
  );
});

test("the interval between pushes is a bounded number of milliseconds", () => {
  const parse = (text: string) => parseGatewayOptions([...BASE, "--push-interval", text], {});
  expect(parse("1000")?.pushIntervalMs).toBe(1_000);
  for (const text of ["0", "1.5", "1s", ""]) {
    expect(() => parse(text)).toThrow("is not a whole number of milliseconds");
  }
  expect(() => parse("10001")).toThrow('--push-interval: "10001" is more than 10000');
});
