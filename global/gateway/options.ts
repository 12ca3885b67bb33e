import { parseArgs } from "node:util";
import { z } from "zod";
import { parseHostPort } from "../../shared/address.js";
import { AtollError, errorText } from "../../shared/errors.js";
import type { EtcdAccess } from "../../shared/etcd/access.js";
import { ETCD_OPTIONS, type EtcdOption } from "../../shared/etcd/access-options.js";
import { type RegionOfFile, regionAccess } from "../../shared/etcd/region-access.js";
import {
  MAX_PEER_LOOKUP_INTERVAL_MS,
  MAX_PUSH_INTERVAL_MS,
  MESH_PUSH_INTERVAL_MS,
  MIN_PEER_LOOKUP_INTERVAL_MS,
  PEER_LOOKUP_INTERVAL_MS,
} from "../../shared/limits.js";
import { LOG_LEVELS, type LogLevel } from "../../shared/log.js";
import { isName, readTopology } from "../../shared/topology.js";
import type { LookupSettings } from "../peers/peer-finder.js";
import { type PeerList, parseDnsServers, parsePeers } from "../peers/peer-list.js";
import {
  parseRedisSettings,
  REDIS_HELP,
  REDIS_OPTIONS,
  type RedisOption,
  type RedisSettings,
} from "../redis/settings.js";

/** The settings of the program `global`, checked. */
export interface GatewayOptions {
  readonly region: string;
  readonly name: string;
  /** host:port for consumers and other gateways. */
  readonly grpc: string;
  /** host:port for health and metrics. */
  readonly http: string;
  /** host:port of each member of the own region. */
  readonly endpoints: readonly string[];
  /** Gateways of all regions, by region and by name; this one included. */
  readonly peers: PeerList;
  /** How the names among them are looked up. */
  readonly lookups: LookupSettings;
  readonly logLevel: LogLevel;
  /** Milliseconds between two pushes of news to another gateway, at least. */
  readonly pushIntervalMs: number;
  /** Reads how the own region is reached; it throws naming what is wrong. */
  readonly etcdAccess: () => EtcdAccess;
  /** Where the view is mirrored to; undefined for nowhere. */
  readonly redis: RedisSettings | undefined;
  /** Where the view is kept over restarts; undefined for nowhere. */
  readonly dataDir: string | undefined;
  /** Whom to believe, and what to sign with; undefined when an operator chose to believe everybody. */
  readonly trust: { readonly folder: string; readonly signingKey: string } | undefined;
}

export const HELP = `A region's gateway: digests of its region for the world, and the world's for its region.

Usage: global --region REGION --name NAME [options]

  --region REGION          the region that it reads
  --name NAME              this gateway's name, unique in its region
  --grpc HOST:PORT         listens for consumers and gateways  (default 127.0.0.1:2390)
  --http HOST:PORT         health and metrics                  (default 127.0.0.1:2391)
  --topology FILE          who is where: endpoints and peers are taken from it
  --endpoints HOST:PORT,…  the region's etcd API, instead of a topology
  --peers REGION=HOST:PORT,…
                           other gateways, instead of a topology. REGION=dns:NAME:PORT stands
                           for all A and AAAA records of a name, REGION=srv:NAME for its SRV
                           records
  --peers-interval MS      such names are looked up again this often, and when a stream fails;
                           what isn't answered leaves the last answer (default ${PEER_LOOKUP_INTERVAL_MS})
  --dns-servers IP[:PORT],…
                           asks these for such names, instead of the machine's
  --trust DIR              public keys (PEM, Ed25519): REGION.pem for each region, one key or
                           several, and _operators.pem; read again when they change
  --signing-key FILE       this region's private key (PEM, Ed25519)
  --unsigned               instead of both: sign nothing and believe every gateway
  --data-dir DIR           keeps its view there over restarts, with true ages; each gateway needs
                           one of its own. Without it, a gateway that starts knows nothing
                           until it is told
  --etcd-cacert FILE       connects to the region by TLS, and trusts these certificates (PEM)
  --etcd-cert FILE, --etcd-key FILE
                           certificate and key of this client, where the region asks for one
  --etcd-server-name NAME  the name in the region's certificates, where it is not the address
  --etcd-user NAME         who to log in as
  --etcd-password-file FILE
                           the password; ATOLL_ETCD_PASSWORD holds one, too. A topology may say
                           the same of each region. Replaced files are read without a restart
${REDIS_HELP}
  --push-interval MS       news go to other gateways at once, then at most this often: fewer
                           bytes for older views (default ${MESH_PUSH_INTERVAL_MS}, up to ${MAX_PUSH_INTERVAL_MS})
  --log-level LEVEL        ${LOG_LEVELS.join(", ")} (default info)
  -h, --help               this text

Each option can also be given as an environment variable: ATOLL_LOG_LEVEL for --log-level.
An option goes before a variable, a variable before the default.

Example: global --region eu-west --name g0 --endpoints 10.0.0.1:2379,10.0.0.2:2379 \\
  --grpc 10.0.0.9:2390 --peers us-east=10.1.0.9:2390,ap-south=10.2.0.9:2390 \\
  --trust /etc/atoll/trust --signing-key /etc/atoll/eu-west.key.pem \\
  --data-dir /var/lib/atoll/eu-west-g0
`;

const name = z.string({ message: "is missing" }).refine(isName, {
  message: "is not a name: 1 to 63 of a-z, 0-9 and -, first and last no -",
});
const etcdTexts = Object.fromEntries(
  ETCD_OPTIONS.map((option) => [option, z.string().optional()]),
) as Record<EtcdOption, z.ZodOptional<z.ZodString>>;
const redisTexts = Object.fromEntries(
  REDIS_OPTIONS.map((option) => [option, z.string().optional()]),
) as Record<RedisOption, z.ZodOptional<z.ZodString>>;
const settingsSchema = z.object({
  region: name,
  name,
  grpc: z.string().default("127.0.0.1:2390"),
  http: z.string().default("127.0.0.1:2391"),
  topology: z.string().optional(),
  endpoints: z.string().optional(),
  peers: z.string().optional(),
  "peers-interval": z
    .string()
    .regex(/^[1-9]\d*$/, { message: "is not a whole number of milliseconds" })
    .refine(
      (text) =>
        Number(text) >= MIN_PEER_LOOKUP_INTERVAL_MS && Number(text) <= MAX_PEER_LOOKUP_INTERVAL_MS,
      {
        message: `is not between ${MIN_PEER_LOOKUP_INTERVAL_MS} and ${MAX_PEER_LOOKUP_INTERVAL_MS} milliseconds`,
      },
    )
    .default(String(PEER_LOOKUP_INTERVAL_MS)),
  "dns-servers": z.string().optional(),
  trust: z.string().optional(),
  "signing-key": z.string().optional(),
  unsigned: z.enum(["true", "false"], { message: "is neither true nor false" }).default("false"),
  "data-dir": z.string().min(1, "is empty; name a folder").optional(),
  "push-interval": z
    .string()
    .regex(/^[1-9]\d*$/, { message: "is not a whole number of milliseconds" })
    .refine((text) => Number(text) <= MAX_PUSH_INTERVAL_MS, {
      message: `is more than ${MAX_PUSH_INTERVAL_MS} milliseconds`,
    })
    .default(String(MESH_PUSH_INTERVAL_MS)),
  "log-level": z
    .enum(LOG_LEVELS, { message: `is not one of ${LOG_LEVELS.join(", ")}` })
    .default("info"),
  ...redisTexts,
  ...etcdTexts,
});
type Settings = z.infer<typeof settingsSchema>;
type SettingName = keyof Settings;
/** Names where a setting came from: `--grpc` or `ATOLL_GRPC`. */
type SourceOf = (setting: SettingName) => string;
const SETTINGS = Object.keys(settingsSchema.shape) as SettingName[];

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}

function parseWords(words: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(
    SETTINGS.map((setting) => {
      const type = setting === "unsigned" ? ("boolean" as const) : ("string" as const);
      return [setting, { type }];
    }),
  );
  try {
    const help = { type: "boolean" as const, short: "h" };
    return parseArgs({ args: [...words], options: { ...options, help } }).values;
  } catch (error) {
    throw invalid(`${errorText(error).split(". ")[0]}; see global --help`);
  }
}

/** Where everybody is. */
interface Places {
  readonly endpoints: string[];
  readonly peers: PeerList;
  /** The own region, where a topology names it. */
  readonly own: RegionOfFile | undefined;
}

function fromTopology(settings: Settings, file: string, sourceOf: SourceOf): Places {
  const topology = readTopology(file);
  const own = topology.regions.find((region) => region.name === settings.region);
  if (own === undefined) {
    const known = topology.regions.map((region) => region.name).join(", ");
    throw invalid(
      `${sourceOf("region")}: ${file} has no region "${settings.region}"; it has ${known}`,
    );
  }
  return {
    own: { region: own, file },
    endpoints: own.members.map((member) => member.client),
    peers: {
      directory: new Map(
        topology.regions.map(({ name, gateways }) => [name, gateways.map(({ grpc }) => grpc)]),
      ),
      names: [],
    },
  };
}

function fromLists(settings: Settings, sourceOf: SourceOf): Places {
  if (settings.endpoints === undefined) {
    throw invalid("--endpoints: name the region's members, or a --topology that does");
  }
  const endpoints = settings.endpoints.split(",");
  for (const endpoint of endpoints) parseHostPort(endpoint, sourceOf("endpoints"));
  const peers: PeerList =
    settings.peers === undefined
      ? { directory: new Map(), names: [] }
      : parsePeers(settings.peers, sourceOf("peers"));
  const own = peers.directory.get(settings.region) ?? [];
  if (!own.includes(settings.grpc)) peers.directory.set(settings.region, [...own, settings.grpc]);
  return { endpoints, peers, own: undefined };
}

/** Whom to believe. Believing everybody is a choice that somebody has to make. */
function trustOf(settings: Settings, sourceOf: SourceOf): GatewayOptions["trust"] {
  const { trust, "signing-key": signingKey, unsigned } = settings;
  if (unsigned === "true") {
    const other = trust === undefined ? "signing-key" : "trust";
    if (trust === undefined && signingKey === undefined) return undefined;
    throw invalid(`${sourceOf("unsigned")}: give it, or ${sourceOf(other)}, not both`);
  }
  if (trust === undefined) {
    throw invalid(
      "--trust: name the folder of the regions' public keys, or say --unsigned to believe every gateway",
    );
  }
  if (signingKey === undefined) {
    throw invalid(
      `--signing-key: name the file of ${settings.region}'s private key; what isn't signed is believed by nobody`,
    );
  }
  return { folder: trust, signingKey };
}

/** A reader that has read once, so that what is wrong is said at the start. */
function checked(read: () => EtcdAccess): () => EtcdAccess {
  read();
  return read;
}

/**
 * The settings from the command line, then the environment, then the defaults. Undefined
 * when help was asked for. Throws INVALID_ARGUMENT naming the setting that is wrong.
 */
export function parseGatewayOptions(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): GatewayOptions | undefined {
  const given = parseWords(words);
  if (given["help"] === true) return undefined;
  const variable = (setting: SettingName): string =>
    `ATOLL_${setting.toUpperCase().replaceAll("-", "_")}`;
  const raw = Object.fromEntries(
    SETTINGS.map((setting) => {
      const own = given[setting] === true ? "true" : given[setting];
      return [setting, own ?? environment[variable(setting)]];
    }),
  );
  const sourceOf: SourceOf = (setting) =>
    raw[setting] !== undefined && given[setting] === undefined ? variable(setting) : `--${setting}`;
  const parsed = settingsSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const setting = String(issue?.path[0]) as SettingName;
    throw invalid(
      `${sourceOf(setting)}: ${raw[setting] === undefined ? "" : `"${raw[setting]}" `}${issue?.message}`,
    );
  }
  const settings = parsed.data;
  const { topology } = settings;
  if (
    topology !== undefined &&
    (settings.endpoints !== undefined || settings.peers !== undefined)
  ) {
    const other = sourceOf(settings.endpoints === undefined ? "peers" : "endpoints");
    throw invalid(`${sourceOf("topology")}: give it, or ${other}, not both`);
  }
  for (const setting of ["grpc", "http"] as const) {
    parseHostPort(settings[setting], sourceOf(setting));
  }
  const servers = settings["dns-servers"];
  const { own, endpoints, peers } =
    topology === undefined
      ? fromLists(settings, sourceOf)
      : fromTopology(settings, topology, sourceOf);
  return {
    region: settings.region,
    name: settings.name,
    grpc: settings.grpc,
    http: settings.http,
    endpoints,
    peers,
    lookups: {
      intervalMs: Number(settings["peers-interval"]),
      servers: servers === undefined ? [] : parseDnsServers(servers, sourceOf("dns-servers")),
    },
    logLevel: settings["log-level"],
    pushIntervalMs: Number(settings["push-interval"]),
    dataDir: settings["data-dir"],
    etcdAccess: checked(regionAccess({ texts: settings, sourceOf }, own)),
    redis: parseRedisSettings(settings, sourceOf),
    trust: trustOf(settings, sourceOf),
  };
}
