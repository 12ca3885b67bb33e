import { parseArgs } from "node:util";
import { z } from "zod";
import { type HostPort, parseHostPort } from "../../shared/address.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { MIN_SNAPSHOT_RATE_BYTES_PER_SECOND } from "../../shared/limits.js";
import { LOG_LEVELS, type LogLevel } from "../../shared/log.js";
import { isName } from "../../shared/topology.js";
import type { IdentifyOptions } from "./identify.js";
import { type NamedPeer, parseInitialCluster } from "./identity.js";
import { DEFAULT_TUNING, type MemberTuning } from "./tuning.js";

/** The settings of the program `regional`, checked. */
export interface RegionalOptions extends IdentifyOptions {
  readonly client: HostPort;
  /** What clients are told; `client` unless it says otherwise. */
  readonly advertiseClient: HostPort | undefined;
  readonly peer: HostPort;
  /** What the other members are told; undefined where it isn't known. */
  readonly advertisePeer: HostPort | undefined;
  readonly http: HostPort;
  readonly logLevel: LogLevel;
  readonly tuning: MemberTuning;
}

export const HELP = `One member of a region's group; serves the etcd v3 API.

Usage: regional [options]

  --name NAME               this member's name              (default member-0)
  --region REGION           the region's name               (default local)
  --data-dir DIR            where log and state are kept    (default NAME.atoll)
  --client HOST:PORT        listens for clients             (default 127.0.0.1:2379)
  --advertise-client HOST:PORT
                            where clients reach it          (default: as --client)
  --peer HOST:PORT          listens for the other members   (default 127.0.0.1:2380)
  --advertise-peer HOST:PORT
                            where they reach it             (default: as --peer)
  --http HOST:PORT          health and metrics              (default 127.0.0.1:2381)
  --initial-cluster NAME=HOST:PORT,...
                            all members and their peer addresses, the same on each one
                            (default: this member alone)
  --initial-cluster-state STATE
                            new, or existing for a member that was added to a cluster
                            (etcdctl member add) and starts for the first time (default new);
                            later its data directory knows the cluster, and neither counts
  --snapshot-rate BYTES     snapshot bytes sent in a second at most (default ${DEFAULT_TUNING.snapshotBytesPerSecond})
  --reads safe|lease        how linearizable reads are confirmed (default safe): by a round to a
                            majority, or from the leader's lease, which is faster and relies on
                            clocks: no member's may run faster than another's by one part in
                            eight, and the leader's must go on while its process is stopped (it
                            doesn't in a machine that is suspended)
  --priority 0..255         members of a higher priority lead where they can (default 0)
  --log-level LEVEL         ${LOG_LEVELS.join(", ")} (default info)
  -h, --help                this text

Each option can also be given as an environment variable: ATOLL_DATA_DIR for --data-dir.
An option goes before a variable, a variable before the default.

Example: regional --name a --region eu-west --data-dir /var/lib/atoll/a \\
  --client 10.0.0.1:2379 --peer 10.0.0.1:2380 --http 10.0.0.1:2381 \\
  --initial-cluster a=10.0.0.1:2380,b=10.0.0.2:2380,c=10.0.0.3:2380
`;

const name = z.string().refine(isName, {
  message: "is not a name: 1 to 63 of a-z, 0-9 and -, first and last no -",
});
const text = z.string().min(1, { message: "is empty" });

const settingsSchema = z.object({
  name: name.default("member-0"),
  region: name.default("local"),
  "data-dir": text.optional(),
  client: text.default("127.0.0.1:2379"),
  "advertise-client": text.optional(),
  peer: text.default("127.0.0.1:2380"),
  http: text.default("127.0.0.1:2381"),
  "advertise-peer": text.optional(),
  "initial-cluster": text.optional(),
  "initial-cluster-state": z
    .enum(["new", "existing"], { message: "is not new or existing" })
    .default("new"),
  "snapshot-rate": z.coerce
    .number({ message: "is not a number" })
    .int({ message: "is not a whole number of bytes" })
    .min(MIN_SNAPSHOT_RATE_BYTES_PER_SECOND, {
      message: `is less than ${MIN_SNAPSHOT_RATE_BYTES_PER_SECOND} bytes a second`,
    })
    .default(DEFAULT_TUNING.snapshotBytesPerSecond),
  reads: z.enum(["safe", "lease"], { message: "is neither safe nor lease" }).default("safe"),
  priority: z.coerce
    .number({ message: "is not a number" })
    .int({ message: "is not a whole number" })
    .min(0, { message: "is less than 0" })
    .max(255, { message: "is more than 255" })
    .default(DEFAULT_TUNING.priority),
  "log-level": z
    .enum(LOG_LEVELS, { message: `is not one of ${LOG_LEVELS.join(", ")}` })
    .default("info"),
});

type SettingName = keyof z.infer<typeof settingsSchema>;
const SETTINGS = Object.keys(settingsSchema.shape) as SettingName[];

function variableOf(setting: SettingName): string {
  return `ATOLL_${setting.toUpperCase().replaceAll("-", "_")}`;
}

function parseWords(words: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(SETTINGS.map((s) => [s, { type: "string" as const }]));
  try {
    const help = { type: "boolean" as const, short: "h" };
    return parseArgs({ args: [...words], options: { ...options, help } }).values;
  } catch (error) {
    const what = errorText(error).split(". ")[0];
    throw new AtollError("INVALID_ARGUMENT", `${what}; see regional --help`);
  }
}

/**
 * The settings from the command line, then the environment, then the defaults. Undefined
 * when help was asked for. Throws INVALID_ARGUMENT naming the setting that is wrong.
 */
export function parseRegionalOptions(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): RegionalOptions | undefined {
  const given = parseWords(words);
  if (given["help"] === true) return undefined;
  const raw = Object.fromEntries(
    SETTINGS.map((setting) => [setting, given[setting] ?? environment[variableOf(setting)]]),
  );
  const parsed = settingsSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const setting = String(issue?.path[0]) as SettingName;
    const source = given[setting] === undefined ? variableOf(setting) : `--${setting}`;
    throw new AtollError("INVALID_ARGUMENT", `${source}: "${raw[setting]}" ${issue?.message}`);
  }
  const settings = parsed.data;
  const initialCluster = clusterOf(settings);
  const peer = parseHostPort(settings.peer, "--peer");
  const own = initialCluster.members.find((member) => member.name === settings.name);
  return {
    region: settings.region,
    name: settings.name,
    dataDir: settings["data-dir"] ?? `${settings.name}.atoll`,
    client: parseHostPort(settings.client, "--client"),
    advertiseClient: parseOptional(settings["advertise-client"], "--advertise-client"),
    peer,
    advertisePeer:
      parseOptional(settings["advertise-peer"], "--advertise-peer") ??
      (isWildcard(peer) ? own?.peer : peer),
    http: parseHostPort(settings.http, "--http"),
    initialCluster,
    logLevel: settings["log-level"],
    tuning: {
      snapshotBytesPerSecond: settings["snapshot-rate"],
      reads: settings.reads === "lease" ? "leaseBased" : "safe",
      priority: settings.priority,
    },
  };
}

/** Whether an address to listen on stands for all of a machine's own. */
function isWildcard({ host }: HostPort): boolean {
  return host === "0.0.0.0" || host === "::";
}

function parseOptional(value: string | undefined, field: string): HostPort | undefined {
  return value === undefined ? undefined : parseHostPort(value, field);
}

function clusterOf(settings: z.infer<typeof settingsSchema>): IdentifyOptions["initialCluster"] {
  const { name: own, peer } = settings;
  const members: readonly NamedPeer[] = parseInitialCluster(
    own,
    settings["initial-cluster"] ?? `${own}=${peer}`,
  );
  const state = settings["initial-cluster-state"];
  if (state === "existing" && members.length === 1) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      "--initial-cluster-state is existing, but --initial-cluster names no other member to ask",
    );
  }
  return { state, members };
}
