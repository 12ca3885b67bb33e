import { parseArgs } from "node:util";
import { parseRedisSettings } from "../../global/redis/settings.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { isName } from "../../shared/topology.js";

/** What a user may choose of a playground. */
export interface PlaygroundOptions {
  readonly dataDir: string;
  readonly basePort: number;
  readonly regions: readonly string[];
  readonly members: number;
  readonly gateways: number;
  readonly fleet: boolean;
  /** The Redis that every gateway mirrors to, as the gateway's option has it. */
  readonly redis: string | undefined;
  /** The options that were given and not defaulted: only those can contradict a stored topology. */
  readonly given: ReadonlySet<string>;
}

export const HELP = `Starts a playground: several regions on this machine, each member and gateway a process.

Usage: npm start -- [options]

  --data-dir DIR      where everything is kept          (default .atoll)
  --base-port PORT    first port; 0 takes free ports    (default 20000)
  --regions A,B,C     names of the regions              (default us-east,eu-west,ap-south)
  --members N         members a region: 1, 3 or 5       (default 3)
  --gateways N        gateways a region: 1 to 3         (default 1)
  --fleet             run a synthetic fleet of machines, with the summary "machines" applied
  --redis URL         a Redis that every gateway mirrors the view to: HOST:PORT or redis://…
  -o, --output FORMAT table or json: how the endpoints are printed (default table)
  -h, --help          this text

Member m of region r has its client, peer and HTTP ports at base+100r+10m, +1 and +2;
gateway g has gRPC at base+100r+50+10g and HTTP at +1.

Example: npm start -- --regions paris,tokyo --members 1 --fleet
`;

/** The output forms of the endpoints. */
export type OutputForm = "table" | "json";

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}

function integer(text: string, option: string, what: string, good: (n: number) => boolean): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !good(value)) throw invalid(`--${option}: "${text}" is not ${what}`);
  return value;
}

/** The gateways would refuse it too, but only once everything else runs. */
function redisUrl(text: string | undefined): string | undefined {
  parseRedisSettings({ redis: text }, () => "--redis");
  return text;
}

function regionNames(text: string): string[] {
  const names = text.split(",");
  for (const name of names) {
    if (!isName(name)) {
      throw invalid(
        `--regions: "${name}" is not a name: 1 to 63 of a-z, 0-9 and -, first and last no -`,
      );
    }
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(`--regions: "${twice}" stands there twice`);
  return names;
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        "data-dir": { type: "string" },
        "base-port": { type: "string" },
        regions: { type: "string" },
        members: { type: "string" },
        gateways: { type: "string" },
        fleet: { type: "boolean" },
        redis: { type: "string" },
        output: { type: "string", short: "o" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw invalid(`${errorText(error).split(". ")[0]}; see npm start -- --help`);
  }
}

/**
 * Parses the words after `npm start --`. Returns undefined when help was asked for.
 * Throws INVALID_ARGUMENT naming the option that is wrong.
 */
export function parseOptions(
  words: readonly string[],
): (PlaygroundOptions & { output: OutputForm }) | undefined {
  const { values, positionals } = parse(words);
  if (values.help === true) return undefined;
  if (positionals.length > 0) {
    throw invalid(
      `"${positionals.join(" ")}" is not an option; npm keeps options for itself unless -- comes first: ` +
        `npm start -- --data-dir ${positionals[0]}`,
    );
  }
  const output = values.output ?? "table";
  if (output !== "table" && output !== "json")
    throw invalid(`--output: "${output}" is not table or json`);
  const dataDir = values["data-dir"] ?? ".atoll";
  if (dataDir === "") throw invalid("--data-dir: the folder's name is empty");
  const regions = regionNames(values.regions ?? "us-east,eu-west,ap-south");
  const basePort = integer(
    values["base-port"] ?? "20000",
    "base-port",
    `0 or a port that leaves room for ${regions.length} regions (1024 to ${65_535 - 100 * regions.length})`,
    (n) => n === 0 || (n >= 1024 && n + 100 * regions.length <= 65_535),
  );
  return {
    dataDir,
    basePort,
    regions,
    members: integer(values.members ?? "3", "members", "1, 3 or 5", (n) => [1, 3, 5].includes(n)),
    gateways: integer(values.gateways ?? "1", "gateways", "1, 2 or 3", (n) => n >= 1 && n <= 3),
    fleet: values.fleet ?? false,
    redis: redisUrl(values.redis),
    output,
    given: new Set(Object.keys(values)),
  };
}
