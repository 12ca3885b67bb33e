import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HELP, parseGatewayOptions } from "../../../global/gateway/options.js";
import { REDIS_OPTIONS, type RedisSettings } from "../../../global/redis/settings.js";

const BASE = [
  ...["--region", "east", "--name", "g0"],
  ...["--endpoints", "127.0.0.1:1", "--unsigned"],
];
type Environment = Record<string, string>;

let file: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-redis-options-"));
  file = join(folder, "password");
  await writeFile(file, "s3cret\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function redis(words: readonly string[], environment: Environment = {}): RedisSettings | undefined {
  return parseGatewayOptions([...BASE, ...words], environment)?.redis;
}

test("without options there is no mirror", () => {
  expect(redis([])).toBeUndefined();
});

test("an address alone has defaults for the rest", () => {
  expect(redis(["--redis", "[::1]:7000"])).toEqual({
    mode: "single",
    addresses: [{ host: "::1", port: 7000 }],
    master: "mymaster",
    db: 0,
    prefix: "atoll:",
    user: undefined,
    password: undefined,
    sentinelPassword: undefined,
    tls: undefined,
  });
});

test("a URL says it all", () => {
  expect(redis(["--redis", "rediss://me:p%40ss@cache.example/3"])).toMatchObject({
    addresses: [{ host: "cache.example", port: 6379 }],
    db: 3,
    user: "me",
    password: "p@ss",
    tls: { ca: undefined },
  });
});

test("passwords come from a file or the environment", () => {
  const address = ["--redis", "h:1"];
  expect(redis([...address, "--redis-password-file", file])?.password).toBe("s3cret");
  expect(redis(address, { ATOLL_REDIS_PASSWORD: "other" })?.password).toBe("other");
});

test("sentinels and clusters have several addresses", () => {
  const sentinel = ["--redis-sentinel", "a:1,b:2", "--redis-master", "m", "--redis-db", "2"];
  expect(redis([...sentinel, "--redis-sentinel-password-file", file])).toMatchObject({
    mode: "sentinel",
    addresses: [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ],
    master: "m",
    db: 2,
    sentinelPassword: "s3cret",
  });
  const cluster = ["--redis-cluster", "a:1,b:2", "--redis-tls-ca", file, "--redis-prefix", "x:"];
  expect(redis(cluster)).toMatchObject({ mode: "cluster", prefix: "x:", tls: { ca: "s3cret" } });
});

test("help names every option", () => {
  for (const option of REDIS_OPTIONS) {
    // The password's has a variable only.
    expect(HELP).toContain(option === "redis-password" ? "ATOLL_REDIS_PASSWORD" : `--${option} `);
  }
});

describe("what is wrong is named", () => {
  test.each<[string, string[], string]>([
    ["no port", ["--redis", "host"], '--redis: "host" is not host:port'],
    ["another protocol", ["--redis", "http://h"], '--redis: "http://" is neither redis://'],
    ["a query", ["--redis", "redis://h?db=1"], "--redis: is not a URL of the form redis"],
    ["a bad database", ["--redis", "redis://h/x"], '--redis: "x" is not a database'],
    ["two kinds", ["--redis", "h:1", "--redis-cluster", "h:1"], "--redis: give it, or --redis-cl"],
    ["no place", ["--redis-db", "1"], "--redis-db: says how to use Redis, but not where it is"],
    ["a cluster's database", ["--redis-cluster", "h:1", "--redis-db", "1"], "--redis-db: a Redis"],
    ["a stray master", ["--redis", "h:1", "--redis-master", "m"], "--redis-master: is of use with"],
    ["a brace", ["--redis", "h:1", "--redis-prefix", "{a}"], '--redis-prefix: "{a}" has char'],
    ["tls", ["--redis", "h:1", "--redis-tls", "yes"], '--redis-tls: "yes" is not true or false'],
    ["no tls", ["--redis", "rediss://h", "--redis-tls", "false"], "contradicts --redis"],
    ["a file", ["--redis", "h:1", "--redis-password-file", "/no"], "--redis-password-file: can't"],
    ["a plain password", ["--redis", "h:1", "--redis-password", "x"], "--redis-password: others"],
  ])("%s", (_, words, message) => {
    expect(() => redis(words)).toThrow(message);
  });

  test("a variable by its own name", () => {
    expect(() => redis([], { ATOLL_REDIS: "x" })).toThrow('ATOLL_REDIS: "x" is not host:port');
  });

  test("and no password is repeated", () => {
    for (const url of ["redis://u:s3cret@h/x", "http://u:s3cret@h", "redis://u:s3cret@h:99999"]) {
      expect(() => redis(["--redis", url])).toThrow(/^(?!.*s3cret).*--redis: /s);
    }
  });
});
