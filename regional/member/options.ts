import { parseArgs } from "node:util";
import { z } from "zod";
import { type HostPort, parseHostPort } from "../../shared/address.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { MIN_SNAPSHOT_RATE_BYTES_PER_SECOND } from "../../shared/limits.js";
import { LOG_LEVELS, type LogLevel } from "../../shared/log.js";
import { isName } from "../../shared/topology.js";
import { type ClusterIdentity, parseCluster } from "./identity.js";
import { DEFAULT_TUNING, type MemberTuning } from "./tuning.js";

/** The settings of the program `regional`, checked. */
export interface RegionalOptions {
  readonly region: string;
  readonly dataDir: string;
  readonly client: HostPort;
  /** What clients are told; `client` unless it says otherwise. */
  readonly advertiseClient: HostPort | undefined;
  readonly peer: HostPort;
  readonly http: HostPort;
  readonly identity: ClusterIdentity;
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
  --http HOST:PORT          health and metrics              (default 127.0.0.1:2381)
  --initial-cluster NAME=HOST:PORT,...
                            all members and their peer addresses, the same on each one
                            (default: this member alone)
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
  "initial-cluster": text.optional(),
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
  const advertised = settings["advertise-client"];
  const cluster = settings["initial-cluster"] ?? `${settings.name}=${settings.peer}`;
  return {
    region: settings.region,
    dataDir: settings["data-dir"] ?? `${settings.name}.atoll`,
    client: parseHostPort(settings.client, "--client"),
    advertiseClient:
      advertised === undefined ? undefined : parseHostPort(advertised, "--advertise-client"),
    peer: parseHostPort(settings.peer, "--peer"),
    http: parseHostPort(settings.http, "--http"),
    identity: parseCluster(settings.region, settings.name, cluster),
    logLevel: settings["log-level"],
    tuning: {
      snapshotBytesPerSecond: settings["snapshot-rate"],
      reads: settings.reads === "lease" ? "leaseBased" : "safe",
      priority: settings.priority,
    },
  };
}
