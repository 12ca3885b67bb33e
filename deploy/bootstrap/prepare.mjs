import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const STAMP = join(ROOT, "node_modules/.atoll-install");
const LOCK = join(ROOT, ".cache/bootstrap.lock");
const OLDEST_NODE = [20, 19];

function fingerprint() {
  return createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .update(`${process.version} ${process.platform} ${process.arch}`)
    .digest("hex");
}

/**
 * better-sqlite3 is compiled where its prebuilt file can't be had; that needs Node's
 * headers, which many installations of Node carry beside the binary.
 */
function installEnvironment() {
  const prefix = resolve(process.execPath, "../..");
  const hasHeaders = existsSync(join(prefix, "include/node/node_version.h"));
  return hasHeaders && process.env.npm_config_nodedir === undefined
    ? { ...process.env, npm_config_nodedir: prefix }
    : process.env;
}

function run(command, args, options) {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: "utf8", ...options });
  if (done.error !== undefined) throw new Error(`can't run ${command}: ${done.error.message}`);
  return done;
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new Error(
      `Atoll needs Node ${OLDEST_NODE.join(".")} or newer; this is ${process.version}`,
    );
  }
}

function install(say) {
  const wanted = fingerprint();
  const installed = existsSync(STAMP) ? readFileSync(STAMP, "utf8") : "";
  if (installed === wanted) return;
  say("installing packages (about a minute the first time) …");
  const done = run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], {
    env: installEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (done.status !== 0) {
    throw new Error(
      `npm ci failed:\n${done.stdout}${done.stderr}\n` +
        "If compiling better-sqlite3 failed, install python3, make and g++ (Debian: apt-get install python3 make g++) and Node's headers.",
    );
  }
  writeFileSync(STAMP, wanted);
}

function build(say, project) {
  const fresh = !existsSync(join(ROOT, "dist/src.tsbuildinfo"));
  if (fresh) say("building …");
  const done = run(
    process.execPath,
    [join(ROOT, "node_modules/typescript/bin/tsc"), "-b", project],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  if (done.status !== 0) throw new Error(`the build failed:\n${done.stdout}${done.stderr}`);
}

/** Whether the process that took the lock is alive. */
function holderLives() {
  try {
    process.kill(Number(readFileSync(LOCK, "utf8")), 0);
    return true;
  } catch {
    return false;
  }
}

function takeLock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  const deadline = Date.now() + 300_000;
  for (;;) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (!holderLives()) rmSync(LOCK, { force: true });
      else if (Date.now() > deadline)
        throw new Error(`another build has held ${LOCK} for five minutes`, { cause: error });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

/** Installs and builds whatever is out of date. Several processes may call it at once. */
export async function prepare({ quiet = false, project = "tsconfig.json" } = {}) {
  const say = quiet ? () => {} : (text) => process.stderr.write(`atoll: ${text}\n`);
  checkNode();
  takeLock();
  try {
    install(say);
    build(say, project);
  } finally {
    rmSync(LOCK, { force: true });
  }
}
