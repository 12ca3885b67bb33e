import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseEtcdAccess } from "../../shared/etcd/access-options.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put } from "../../shared/etcd/kv.js";
import { SECURED_NAME, type SecuredEtcd, startSecuredEtcd } from "../peers/secured-etcd.js";

/** A real etcd that asks for TLS, a client's certificate, and a user whose tokens expire soon. */
const TOKEN_SECONDS = 2;

let folder: string;
let etcd: SecuredEtcd;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "atoll-tls-"));
  etcd = await startSecuredEtcd({ members: 1, folder, tokenSeconds: TOKEN_SECONDS });
  await etcd.enableUsers([{ name: "reader", password: "secret", rights: [["read", "/a"]] }]);
});
afterAll(async () => {
  await etcd?.cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

function connect(texts: Parameters<typeof parseEtcdAccess>[0]): EtcdClient {
  const access = () => parseEtcdAccess(texts, (option) => `--${option}`);
  return new EtcdClient({ endpoints: etcd.cluster.endpoints, timeoutMs: 5_000, access });
}

function texts() {
  writeFileSync(at("password"), "secret\n");
  return {
    "etcd-cacert": at("ca.pem"),
    "etcd-cert": at("client.pem"),
    "etcd-key": at("client.key"),
    "etcd-server-name": SECURED_NAME,
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
  const reader = connect({ ...texts(), "etcd-user": "reader" });
  try {
    await expect(get(wrong, "a")).rejects.toThrow(/can't log in as root: .*authentication failed/);
    await expect(get(elsewhere, "a")).rejects.toThrow(/other\.test|altnames/);
    await expect(get(stranger, "a")).rejects.toThrow();
    await get(reader, "/a");
    await expect(put(reader, "/a", "1")).rejects.toThrow("permission denied to reader");
  } finally {
    for (const client of [wrong, elsewhere, stranger, reader]) client.close();
  }
});

test("files that were replaced count once they are read again, and are kept when they can't be", async () => {
  const [ca, password] = [at("replaced.pem"), at("replaced")];
  writeFileSync(ca, readFileSync(at("client.pem")));
  writeFileSync(password, "wrong");
  const client = connect({ ...texts(), "etcd-cacert": ca, "etcd-password-file": password });
  try {
    await expect(get(client, "a")).rejects.toThrow("certificate");
    expect(client.refresh()).toBe(false);
    writeFileSync(ca, readFileSync(at("ca.pem")));
    expect(client.refresh()).toBe(true);
    await expect(get(client, "a")).rejects.toThrow("can't log in as root");
    writeFileSync(password, "secret");
    expect(client.refresh()).toBe(true);
    await get(client, "a");
    rmSync(ca);
    expect(() => client.refresh()).toThrow(`--etcd-cacert: can't read ${ca}`);
    await get(client, "a");
  } finally {
    client.close();
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
});
