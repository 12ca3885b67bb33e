import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "./exec.js";
import { withFileLock } from "./lock.js";
import { PEERS_CACHE } from "./paths.js";

/** Rounds in which libraries of libraries are looked for. */
const MAX_LIBRARY_ROUNDS = 5;
const NETWORK_TIMEOUT_MS = 180_000;

/** The folders of an unpacked package's libraries, for LD_LIBRARY_PATH. */
export async function libraryPath(root: string): Promise<string> {
  const folders: string[] = [];
  for (const base of [join(root, "usr", "lib"), join(root, "lib")]) {
    const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
    if (entries.length > 0) folders.push(base);
    for (const entry of entries) {
      if (entry.isDirectory() && entry.name.endsWith("-linux-gnu")) {
        folders.push(join(base, entry.name));
      }
    }
  }
  return folders.join(":");
}

/** apt's options that keep its lists and cache in a folder of ours, so that no root is needed. */
function privateLists(): string[] {
  const folder = join(PEERS_CACHE, "apt");
  return [
    `-oDir::State::lists=${join(folder, "lists")}`,
    `-oDir::Cache=${join(folder, "cache")}`,
    "-oDebug::NoLocking=1",
  ];
}

async function updatePrivateLists(): Promise<void> {
  const folder = join(PEERS_CACHE, "apt");
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "cache", "archives", "partial"), { recursive: true });
  const update = await exec("apt-get", [...privateLists(), "-q", "update"], {
    timeoutMs: NETWORK_TIMEOUT_MS,
  });
  if (update.code !== 0) throw new Error(`apt-get update failed: ${update.stderr.trim()}`);
}

/** Downloads packages into `folder`; the host's lists may be missing or older than the archive. */
async function download(packages: readonly string[], folder: string): Promise<void> {
  const options = { cwd: folder, timeoutMs: NETWORK_TIMEOUT_MS };
  const withHostLists = await exec("apt-get", ["-q", "download", ...packages], options);
  if (withHostLists.code === 0) return;
  await updatePrivateLists();
  const again = await exec("apt-get", [...privateLists(), "-q", "download", ...packages], options);
  if (again.code !== 0) throw new Error(`apt-get download failed: ${again.stderr.trim()}`);
}

async function isMissingLibraries(root: string, programs: readonly string[]): Promise<boolean> {
  const env = { ...process.env, LD_LIBRARY_PATH: await libraryPath(root) };
  for (const program of programs) {
    const ldd = await exec("ldd", [join(root, program)], { env });
    if (ldd.stdout.includes("not found")) return true;
  }
  return false;
}

async function isInstalled(name: string): Promise<boolean> {
  const query = await exec("dpkg-query", ["-W", "-f=${Status}", name]);
  return query.stdout.includes("install ok installed");
}

/** The libraries that a package file depends on and this host lacks. */
async function neededLibraries(file: string): Promise<string[]> {
  const field = await exec("dpkg-deb", ["-f", file, "Depends"]);
  const needed: string[] = [];
  for (const dependency of field.stdout.split(",")) {
    const name = /^\s*(lib[a-z0-9.+-]+)/.exec(dependency)?.[1];
    if (name !== undefined && !(await isInstalled(name))) needed.push(name);
  }
  return needed;
}

async function unpackAll(folder: string, root: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".deb"));
  const files = names.map((name) => join(folder, name));
  for (const file of files) {
    const unpacked = await exec("dpkg", ["-x", file, root]);
    if (unpacked.code !== 0) throw new Error(`dpkg -x ${file}: ${unpacked.stderr.trim()}`);
  }
  return files;
}

async function assemble(
  packages: readonly string[],
  programs: readonly string[],
  stage: string,
): Promise<string> {
  const root = join(stage, "root");
  const seen = new Set<string>(packages);
  let wanted = [...packages];
  for (let round = 0; round < MAX_LIBRARY_ROUNDS && wanted.length > 0; round++) {
    const folder = join(stage, `round-${round}`);
    await mkdir(folder);
    await download(wanted, folder);
    const files = await unpackAll(folder, root);
    if (!(await isMissingLibraries(root, programs))) return root;
    const needed = (await Promise.all(files.map(neededLibraries))).flat();
    wanted = [...new Set(needed)].filter((name) => !seen.has(name));
    for (const name of wanted) seen.add(name);
  }
  throw new Error(`libraries of ${packages.join(", ")} are missing and not in their Depends`);
}

/**
 * Unpacks Debian packages, with the libraries that this host lacks, into the cache
 * under `group` and gives the folder that stands for `/`. Nothing is installed, any
 * user may do it, and several processes may at once. `programs` are the paths below
 * the root that must be able to load.
 */
export async function unpackDebian(
  group: string,
  packages: readonly string[],
  programs: readonly string[],
): Promise<string> {
  const root = join(PEERS_CACHE, group);
  const isThere = (): Promise<boolean> =>
    access(root).then(
      () => true,
      () => false,
    );
  if (await isThere()) return root;
  return withFileLock(join(PEERS_CACHE, `${group}.lock`), async () => {
    if (await isThere()) return root;
    const stage = await mkdtemp(join(PEERS_CACHE, `${group}-stage-`));
    try {
      await rename(await assemble(packages, programs, stage), root);
    } finally {
      await rm(stage, { recursive: true, force: true });
    }
    return root;
  });
}
