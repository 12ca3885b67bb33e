import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseEtcdAccess } from "../../shared/etcd/access-options.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { freePorts } from "../../shared/ports.js";
import { Authority } from "../peers/certificates.js";
import { Child } from "../peers/child.js";
import { exec, flags } from "../peers/exec.js";
import { peerTool } from "../peers/tools.js";

/** A real etcd that asks for TLS, a client's certificate, and a user whose tokens expire soon. */
const NAME = "etcd.atoll.test";
const TOKEN_SECONDS = 2;

let folder: string;
let etcd: Child;
let endpoint: string;
const at = (name: string): string => join(folder, name);

async function etcdctlOk(...words: readonly string[]): Promise<void> {
  const { path, env } = await peerTool("etcdctl");
  const tls = flags({ cacert: at("ca.pem"), cert: at("client.pem"), key: at("client.key") });
  const { code, stderr } = await exec(path, [`--endpoints=https://${endpoint}`, ...tls, ...words], {
    env,
  });
  if (code !== 0) throw new Error(stderr);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "atoll-tls-"));
  const authority = await Authority.create(folder);
  await authority.certify("server", `subjectAltName=DNS:${NAME},IP:127.0.0.1\n`);
  await authority.certify("client", "extendedKeyUsage=clientAuth\n");
  const [client, peer] = await freePorts(2);
  endpoint = `127.0.0.1:${client}`;
  const { path, env } = await peerTool("etcd");
  const settings = flags({
    "data-dir": at("data"),
    "listen-client-urls": `https://${endpoint}`,
    "advertise-client-urls": `https://${endpoint}`,
    "listen-peer-urls": `http://127.0.0.1:${peer}`,
    "initial-advertise-peer-urls": `http://127.0.0.1:${peer}`,
    "initial-cluster": `default=http://127.0.0.1:${peer}`,
    "cert-file": at("server.pem"),
    "key-file": at("server.key"),
    "trusted-ca-file": at("ca.pem"),
    "auth-token-ttl": String(TOKEN_SECONDS),
    logger: "zap",
    "log-level": "error",
  });
  etcd = new Child("etcd", path, [...settings, "--client-cert-auth"], env);
  await etcd.until(
    () =>
      etcdctlOk("endpoint", "health").then(
        () => true,
        () => false,
      ),
    30_000,
  );
  await etcdctlOk("user", "add", "root:secret");
  await etcdctlOk("user", "grant-role", "root", "root");
  await etcdctlOk("auth", "enable");
});
afterAll(async () => {
  await etcd?.kill();
  rmSync(folder, { recursive: true, force: true });
});

function connect(texts: Parameters<typeof parseEtcdAccess>[0]): EtcdClient {
  const access = () => parseEtcdAccess(texts, (option) => `--${option}`);
  return new EtcdClient({ endpoints: [endpoint], timeoutMs: 5_000, access });
}

function texts() {
  writeFileSync(at("password"), "secret\n");
  return {
    "etcd-cacert": at("ca.pem"),
    "etcd-cert": at("client.pem"),
    "etcd-key": at("client.key"),
    "etcd-server-name": NAME,
    "etcd-user": "root",
    "etcd-password-file": at("password"),
  };
}

test("is read and written by TLS and as a user, also after the token has expired", async () => {
  const client = connect(texts());
  try {
    await put(client, "a", "1");
    const token = client.headers["token"];
    expect(token).toBeTruthy();
    const expired = Date.now() + (TOKEN_SECONDS + 2) * 1_000;
    await new Promise((resolve) => setTimeout(resolve, expired - Date.now()));
    const { kv } = await get(client, "a");
    expect(Buffer.from(kv?.value ?? []).toString()).toBe("1");
    expect(client.headers["token"]).not.toBe(token);
  } finally {
    client.close();
  }
});

test("what is refused says why", async () => {
  writeFileSync(at("wrong"), "wrong");
  const wrong = connect({ ...texts(), "etcd-password-file": at("wrong") });
  const elsewhere = connect({ ...texts(), "etcd-server-name": "other.test" });
  const stranger = connect({ "etcd-cacert": at("ca.pem") });
  try {
    await expect(get(wrong, "a")).rejects.toThrow(/can't log in as root: .*authentication failed/);
    await expect(get(elsewhere, "a")).rejects.toThrow(/other\.test|altnames/);
    await expect(get(stranger, "a")).rejects.toThrow();
  } finally {
    for (const client of [wrong, elsewhere, stranger]) client.close();
  }
});

test("options that make no sense are named", () => {
  const { "etcd-password-file": _file, ...open } = texts();
  expect(() => connect(open)).toThrow("--etcd-user: give --etcd-password-file with it");
  expect(() => connect({ ...open, "etcd-password": "secret" })).toThrow(
    "--etcd-password: give it in",
  );
  expect(() => connect({ "etcd-cert": at("client.pem") })).toThrow(
    "--etcd-cert: means nothing without",
  );
  expect(() => connect({ ...texts(), "etcd-key": undefined })).toThrow(
    "--etcd-cert: give --etcd-key",
  );
  const foreign = { ...texts(), "etcd-key": at("server.key") };
  expect(() => connect(foreign)).toThrow("--etcd-cert, --etcd-key: not a certificate");
  const missing = at("nowhere");
  expect(() => connect({ "etcd-cacert": missing })).toThrow(`--etcd-cacert: can't read ${missing}`);
  expect(readFileSync(at("password"), "utf8")).toBe("secret\n");
});
