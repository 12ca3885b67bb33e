import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Authority } from "./certificates.js";
import { type EtcdCluster, type EtcdOptions, startEtcd } from "./etcd.js";
import { exec, flags } from "./exec.js";
import { peerTool } from "./tools.js";

/** The name in the members' certificates, besides their address. */
export const SECURED_NAME = "etcd.atoll.test";

/** A user with one role that may do `rights`: etcdctl's words after `role grant-permission ROLE`. */
export interface SecuredUser {
  readonly name: string;
  readonly password: string;
  readonly rights: readonly (readonly string[])[];
}

/** A real etcd cluster that wants TLS, a client's certificate, and a user. */
export class SecuredEtcd {
  readonly cluster: EtcdCluster;
  /** Has `ca.pem`, `client.pem`, `client.key`. */
  readonly folder: string;

  constructor(cluster: EtcdCluster, folder: string) {
    this.cluster = cluster;
    this.folder = folder;
  }

  /** A file of the folder. */
  at(name: string): string {
    return join(this.folder, name);
  }

  /** Runs etcdctl as root; rejects with its error output when it fails. */
  async asRoot(...words: readonly string[]): Promise<string> {
    return await this.#etcdctl("--user", "root:secret", ...words);
  }

  async #etcdctl(...words: readonly string[]): Promise<string> {
    return await etcdctlByTls(this.cluster.endpoints, this.folder, words);
  }

  /** Wants users from now on: root, and those that are given. */
  async enableUsers(users: readonly SecuredUser[]): Promise<void> {
    await this.#etcdctl("user", "add", "root:secret");
    await this.#etcdctl("user", "grant-role", "root", "root");
    for (const { name, password, rights } of users) {
      await this.#etcdctl("role", "add", name);
      for (const right of rights) await this.#etcdctl("role", "grant-permission", name, ...right);
      await this.#etcdctl("user", "add", `${name}:${password}`);
      await this.#etcdctl("user", "grant-role", name, name);
    }
    await this.#etcdctl("auth", "enable");
  }

  async setPassword(user: string, password: string): Promise<void> {
    const words = ["--user", "root:secret", "user", "passwd", user, "--interactive=false"];
    await etcdctlByTls(this.cluster.endpoints, this.folder, words, `${password}\n`);
  }
}

async function etcdctlByTls(
  endpoints: readonly string[],
  folder: string,
  words: readonly string[],
  input?: string,
): Promise<string> {
  const { path, env } = await peerTool("etcdctl");
  const tls = flags({
    cacert: join(folder, "ca.pem"),
    cert: join(folder, "client.pem"),
    key: join(folder, "client.key"),
  });
  const urls = endpoints.map((endpoint) => `https://${endpoint}`).join(",");
  const { code, stdout, stderr } = await exec(path, [`--endpoints=${urls}`, ...tls, ...words], {
    env,
    ...(input === undefined ? {} : { input }),
  });
  if (code !== 0) throw new Error(`etcdctl ${words.join(" ")}: ${stderr}`);
  return stdout;
}

export interface SecuredOptions extends Pick<EtcdOptions, "members"> {
  /** Where certificates and keys are put. */
  readonly folder: string;
  /** A token that isn't used for so long ends. */
  readonly tokenSeconds: number;
}

/** Starts a real etcd cluster that wants TLS and a client's certificate, and has no users yet. */
export async function startSecuredEtcd(options: SecuredOptions): Promise<SecuredEtcd> {
  const { folder, tokenSeconds, members } = options;
  const authority = await Authority.create(folder);
  await authority.certify("server", `subjectAltName=DNS:${SECURED_NAME},IP:127.0.0.1\n`);
  await authority.certify("client", "extendedKeyUsage=clientAuth\n");
  const at = (name: string): string => join(folder, name);
  await writeFile(at("password"), "secret\n");
  const files = flags({
    "cert-file": at("server.pem"),
    "key-file": at("server.key"),
    "trusted-ca-file": at("ca.pem"),
    "auth-token-ttl": String(tokenSeconds),
  });
  const cluster = await startEtcd({
    ...(members === undefined ? {} : { members }),
    args: [...files, "--client-cert-auth"],
    scheme: "https",
    isHealthy: (endpoint) =>
      etcdctlByTls([endpoint], folder, ["--user", "root:secret", "endpoint", "health"]).then(
        () => true,
        () =>
          etcdctlByTls([endpoint], folder, ["endpoint", "health"]).then(
            () => true,
            () => false,
          ),
      ),
  });
  return new SecuredEtcd(cluster, folder);
}
