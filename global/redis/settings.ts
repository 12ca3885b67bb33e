import { readFileSync } from "node:fs";
import { type HostPort, parseHostPort } from "../../shared/address.js";
import { AtollError, errorText } from "../../shared/errors.js";

/** Where Redis is, and how the gateway presents itself there. */
export interface RedisSettings {
  readonly mode: "single" | "sentinel" | "cluster";
  /** The server, the sentinels, or some nodes of the cluster. */
  readonly addresses: readonly HostPort[];
  /** The name that the sentinels know the master by. */
  readonly master: string;
  readonly db: number;
  /** What all keys begin with. */
  readonly prefix: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly tls: { readonly ca: string | undefined } | undefined;
}

/** The options' texts, by name without the dashes; undefined where not given. */
export type RedisTexts = { readonly [Option in RedisOption]?: string | undefined };

/** The gateway's options for Redis. */
export const REDIS_OPTIONS = [
  "redis",
  "redis-sentinel",
  "redis-master",
  "redis-cluster",
  "redis-db",
  "redis-prefix",
  "redis-user",
  "redis-password",
  "redis-password-file",
  "redis-sentinel-password-file",
  "redis-tls",
  "redis-tls-ca",
] as const;
export type RedisOption = (typeof REDIS_OPTIONS)[number];

export const REDIS_HELP = `  --redis URL              mirrors the view to a Redis: HOST:PORT, or
                           redis[s]://[USER:PASSWORD@]HOST[:PORT][/DB]
  --redis-sentinel HOST:PORT,…
                           … to the master that these sentinels name
  --redis-master NAME      the master's name there             (default mymaster)
  --redis-cluster HOST:PORT,…
                           … to a Redis Cluster with these nodes
  --redis-db N             database number, not in a cluster   (default 0)
  --redis-prefix TEXT      what all keys begin with            (default atoll:)
  --redis-user NAME        who to log in as
  --redis-password-file FILE, --redis-sentinel-password-file FILE
                           password in a file; ATOLL_REDIS_PASSWORD holds one, too
  --redis-tls true         connects by TLS
  --redis-tls-ca FILE      certificates to trust, in PEM; implies --redis-tls`;

const DEFAULT_PORT = 6379;
const DEFAULT_MASTER = "mymaster";
const DEFAULT_PREFIX = "atoll:";
/** Redis's databases have small numbers; this is beyond any configuration. */
const MAX_DB = 65_535;

/** Names where an option came from: `--redis` or `ATOLL_REDIS`. */
type SourceOf = (option: RedisOption) => string;

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}

function database(text: string, source: string): number {
  if (!/^\d+$/.test(text) || Number(text) > MAX_DB) {
    throw invalid(`${source}: "${text}" is not a database's number, such as 0`);
  }
  return Number(text);
}

function fileText(file: string, source: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw invalid(`${source}: can't read ${file}: ${errorText(error)}`);
  }
}

function addressList(text: string, source: string): HostPort[] {
  return text.split(",").map((part) => parseHostPort(part, source));
}

interface ParsedUrl {
  readonly address: HostPort;
  readonly user?: string;
  readonly password?: string;
  readonly db?: number;
  readonly isTls: boolean;
}

/** A URL's text may hold a password, so no error repeats it. */
function parseUrl(text: string, source: string): ParsedUrl {
  if (!text.includes("://")) return { address: parseHostPort(text, source), isTls: false };
  const form = "redis[s]://[USER:PASSWORD@]HOST[:PORT][/DB]";
  if (!URL.canParse(text)) throw invalid(`${source}: is not a URL of the form ${form}`);
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  if (protocol !== "redis:" && protocol !== "rediss:") {
    throw invalid(`${source}: "${protocol}//" is neither redis:// nor rediss://`);
  }
  if (hostname === "" || search !== "" || hash !== "") {
    throw invalid(`${source}: is not a URL of the form ${form}`);
  }
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    address: { host, port: port === "" ? DEFAULT_PORT : Number(port) },
    isTls: protocol === "rediss:",
    ...(username === "" ? {} : { user: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    ...(pathname === "" || pathname === "/" ? {} : { db: database(pathname.slice(1), source) }),
  };
}

function passwordOf(texts: RedisTexts, sourceOf: SourceOf): string | undefined {
  const isFlag = sourceOf("redis-password") === "--redis-password";
  if (texts["redis-password"] !== undefined && isFlag) {
    throw invalid(
      "--redis-password: others could read it in the list of processes; give --redis-password-file, or ATOLL_REDIS_PASSWORD",
    );
  }
  const file = texts["redis-password-file"];
  if (file === undefined) return texts["redis-password"];
  if (texts["redis-password"] !== undefined) {
    throw invalid(
      `${sourceOf("redis-password-file")}: give it, or ${sourceOf("redis-password")}, not both`,
    );
  }
  return fileText(file, sourceOf("redis-password-file"));
}

function tlsOf(texts: RedisTexts, sourceOf: SourceOf, isTlsUrl: boolean): RedisSettings["tls"] {
  const text = texts["redis-tls"];
  if (text !== undefined && text !== "true" && text !== "false") {
    throw invalid(`${sourceOf("redis-tls")}: "${text}" is not true or false`);
  }
  const file = texts["redis-tls-ca"];
  if (text === "false" && (file !== undefined || isTlsUrl)) {
    const other = sourceOf(file === undefined ? "redis" : "redis-tls-ca");
    throw invalid(`${sourceOf("redis-tls")}: "false" contradicts ${other}`);
  }
  if (file !== undefined) return { ca: fileText(file, sourceOf("redis-tls-ca")) };
  return text === "true" || isTlsUrl ? { ca: undefined } : undefined;
}

const MODES = ["redis", "redis-sentinel", "redis-cluster"] as const;

function checkTogether(texts: RedisTexts, sourceOf: SourceOf): (typeof MODES)[number] | undefined {
  const [mode, second] = MODES.filter((option) => texts[option] !== undefined);
  if (mode !== undefined && second !== undefined) {
    throw invalid(`${sourceOf(mode)}: give it, or ${sourceOf(second)}, not both`);
  }
  const stray = REDIS_OPTIONS.find((option) => texts[option] !== undefined);
  if (mode === undefined && stray !== undefined) {
    throw invalid(
      `${sourceOf(stray)}: says how to use Redis, but not where it is; give --redis, --redis-sentinel or --redis-cluster`,
    );
  }
  for (const option of ["redis-master", "redis-sentinel-password-file"] as const) {
    if (texts[option] !== undefined && mode !== "redis-sentinel") {
      throw invalid(`${sourceOf(option)}: is of use with --redis-sentinel only`);
    }
  }
  if (texts["redis-db"] !== undefined && mode === "redis-cluster") {
    throw invalid(`${sourceOf("redis-db")}: a Redis Cluster has one database only`);
  }
  return mode;
}

/**
 * The settings of the mirror; undefined when there is to be none. Throws INVALID_ARGUMENT
 * naming the option that is wrong. Passwords never stand in an error's text.
 */
export function parseRedisSettings(
  texts: RedisTexts,
  sourceOf: SourceOf,
): RedisSettings | undefined {
  const mode = checkTogether(texts, sourceOf);
  if (mode === undefined) return undefined;
  const text = texts[mode] ?? "";
  const source = sourceOf(mode);
  const url = mode === "redis" ? parseUrl(text, source) : undefined;
  const prefix = texts["redis-prefix"] ?? DEFAULT_PREFIX;
  if (!/^[\x21-\x7a|~]*$/.test(prefix)) {
    throw invalid(
      `${sourceOf("redis-prefix")}: "${prefix}" has characters other than printable ASCII without spaces and braces`,
    );
  }
  const db = texts["redis-db"];
  const file = texts["redis-sentinel-password-file"];
  return {
    mode: mode === "redis" ? "single" : mode === "redis-sentinel" ? "sentinel" : "cluster",
    addresses: url === undefined ? addressList(text, source) : [url.address],
    master: texts["redis-master"] ?? DEFAULT_MASTER,
    db: db === undefined ? (url?.db ?? 0) : database(db, sourceOf("redis-db")),
    prefix,
    user: texts["redis-user"] ?? url?.user,
    password: passwordOf(texts, sourceOf) ?? url?.password,
    sentinelPassword:
      file === undefined ? undefined : fileText(file, sourceOf("redis-sentinel-password-file")),
    tls: tlsOf(texts, sourceOf, url?.isTls ?? false),
  };
}
