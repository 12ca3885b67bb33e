import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { libraryPath, unpackDebian } from "./debian.js";
import { exec } from "./exec.js";

/** A program of another project that tests and benchmarks run. */
export interface PeerTool {
  readonly path: string;
  /** The environment to start it with; it finds its libraries there. */
  readonly env: NodeJS.ProcessEnv;
}

interface Recipe {
  /** The cache folder that its packages share. */
  readonly group: string;
  readonly packages: readonly string[];
  /** All programs of the group, below the root of the packages. */
  readonly programs: readonly string[];
  readonly versionArgs: readonly string[];
  /** What a usable version prints. */
  readonly usable: RegExp;
}

const ETCD = {
  group: "etcd",
  packages: ["etcd-server", "etcd-client"],
  programs: ["usr/bin/etcd", "usr/bin/etcdctl"],
};
const REDIS = {
  group: "redis",
  packages: ["redis-server", "redis-tools"],
  programs: ["usr/bin/redis-server", "usr/bin/redis-cli"],
};
const STRACE = { group: "strace", packages: ["strace"], programs: ["usr/bin/strace"] };
const NGHTTP2 = { group: "nghttp2", packages: ["nghttp2-client"], programs: ["usr/bin/h2load"] };
const OPENSSL = { group: "openssl", packages: ["openssl"], programs: ["usr/bin/openssl"] };

const RECIPES = {
  etcd: { ...ETCD, versionArgs: ["--version"], usable: /^etcd Version: 3\.4\./m },
  etcdctl: { ...ETCD, versionArgs: ["version"], usable: /^etcdctl version: 3\.4\./m },
  "redis-server": { ...REDIS, versionArgs: ["--version"], usable: /v=([7-9]|\d\d)\./ },
  "redis-cli": { ...REDIS, versionArgs: ["--version"], usable: /redis-cli ([7-9]|\d\d)\./ },
  strace: { ...STRACE, versionArgs: ["--version"], usable: /version ([6-9]|5\.[3-9])/ },
  h2load: { ...NGHTTP2, versionArgs: ["--version"], usable: /nghttp2\/1\./ },
  openssl: { ...OPENSSL, versionArgs: ["version"], usable: /^OpenSSL 3\./m },
} satisfies Record<string, Recipe>;

/** The programs that can be asked for. */
export type PeerName = keyof typeof RECIPES;

/** What every program is started with: etcdctl of 3.4 speaks v3 only when told to. */
const BASE_ENV = { ETCDCTL_API: "3", ETCD_UNSUPPORTED_ARCH: process.arch };

async function onPath(name: PeerName, recipe: Recipe): Promise<PeerTool | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    const env = { ...process.env, ...BASE_ENV };
    const version = await exec(path, recipe.versionArgs, { env });
    if (recipe.usable.test(version.stdout + version.stderr)) return { path, env };
  }
  return undefined;
}

async function find(name: PeerName): Promise<PeerTool> {
  const recipe: Recipe = RECIPES[name];
  const installed = await onPath(name, recipe);
  if (installed !== undefined) return installed;
  try {
    const root = await unpackDebian(recipe.group, recipe.packages, recipe.programs);
    const library = await libraryPath(root);
    const env = { ...process.env, ...BASE_ENV, LD_LIBRARY_PATH: library };
    return { path: join(root, "usr/bin", name), env };
  } catch (error) {
    const packages = recipe.packages.join(" ");
    throw new Error(
      `${name} is not on the PATH in a usable version (${recipe.usable.source}) and Debian's ` +
        `packages could not be unpacked; install it with: apt-get install ${packages}`,
      { cause: error },
    );
  }
}

const found = new Map<PeerName, Promise<PeerTool>>();

/**
 * A program of another project: the one on the PATH where its version is usable,
 * else Debian's, unpacked into the checkout's cache. Rejects with the command that
 * would install it.
 */
export function peerTool(name: PeerName): Promise<PeerTool> {
  let tool = found.get(name);
  if (tool === undefined) {
    tool = find(name);
    found.set(name, tool);
  }
  return tool;
}
