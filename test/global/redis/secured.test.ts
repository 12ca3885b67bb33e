import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { freePorts } from "../../../shared/ports.js";
import { Authority } from "../../peers/certificates.js";
import { RedisServer } from "../../peers/redis.js";
import { History } from "../digest/model.js";
import { type Cli, MirroredGateway, until } from "./mirrored.js";

/** A real Redis that speaks TLS only, and a user who has just the rights of the README. */
const MERGED = "machines";
const ADMIN_PASSWORD = "the-admin's";
const PASSWORD = "the gateway's";
const RIGHTS = `resetkeys ~atoll:* -@all +@connection +info +eval +evalsha +get +set +sadd +srem
  +sscan +unlink +rename +persist +pexpire +hmget +hlen +hset +hdel +hincrby +xadd`;

let folder: string;
let redis: RedisServer;
let cli: Cli;
const at = (name: string): string => join(folder, name);

function file(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

function setUser(password: string, rights = RIGHTS): Promise<unknown> {
  const words = rights.split(/\s+/);
  return cli("ACL", "SETUSER", "atoll", "reset", "on", `>${password}`, ...words);
}

/** A gateway with something to mirror. */
async function using(
  more: Readonly<Record<string, string>>,
  run: (gateway: MirroredGateway) => Promise<void>,
): Promise<void> {
  const gateway = new MirroredGateway({
    redis: `rediss://${redis.address}`,
    "redis-tls-ca": at("ca.pem"),
    "redis-user": "atoll",
    "redis-password-file": file("password", `${PASSWORD}\n`),
    ...more,
  });
  const east = new History("us-east");
  east.step({ api: 3, web: 1 });
  gateway.gateway.hear(east.whole(east.last));
  try {
    await run(gateway);
  } finally {
    await gateway.mirror.stop();
  }
}

function untilError(gateway: MirroredGateway, text: RegExp): Promise<void> {
  return until(
    () => text.test(gateway.mirror.status.error),
    () => `${text}; the mirror says "${gateway.mirror.status.error}"`,
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "atoll-redis-tls-"));
  const authority = await Authority.create(folder);
  await authority.certify("server", "subjectAltName=IP:127.0.0.1\n");
  const [port] = await freePorts(1);
  const files = ["--tls-cert-file", at("server.pem"), "--tls-key-file", at("server.key")];
  const tls = [...files, "--tls-ca-cert-file", at("ca.pem"), "--tls-auth-clients", "no"];
  redis = await RedisServer.start(
    ["--port", "0", "--tls-port", String(port), ...tls, "--requirepass", ADMIN_PASSWORD],
    port,
    ["--tls", "--cacert", at("ca.pem"), "--no-auth-warning", "-a", ADMIN_PASSWORD],
  );
  cli = (...args) => redis.cli(...args);
});
afterAll(async () => {
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await cli("FLUSHALL");
  await cli("ACL", "LOG", "RESET");
  await setUser(PASSWORD);
});

test("is mirrored to by a user with the rights that the README names, and no others", async () => {
  await using({}, async (gateway) => {
    await gateway.untilMirrored(cli, MERGED);
    expect(await cli("ACL", "LOG")).toEqual([]);
  });
});

test("a wrong password is said, without itself, and mended in Redis", async () => {
  await setUser("another");
  await using({}, async (gateway) => {
    await untilError(gateway, /WRONGPASS/);
    expect(gateway.logged.join("")).not.toContain(PASSWORD);
    await setUser(PASSWORD);
    await gateway.untilMirrored(cli, MERGED);
    expect(gateway.mirror.status.error).toBe("");
  });
});

test("a right that is missing is said by name, and is enough once it is given", async () => {
  await setUser(PASSWORD, RIGHTS.replace("+evalsha", ""));
  await using({}, async (gateway) => {
    await untilError(gateway, /evalsha/);
    await setUser(PASSWORD);
    await gateway.untilMirrored(cli, MERGED);
  });
});

test("a server that isn't certified by whom the gateway trusts is not spoken to", async () => {
  const other = mkdtempSync(join(tmpdir(), "atoll-redis-ca-"));
  try {
    await Authority.create(other);
    await using({ "redis-tls-ca": join(other, "ca.pem") }, async (gateway) => {
      await untilError(gateway, /certificate/);
      expect(await cli("DBSIZE")).toBe(0);
    });
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
});
