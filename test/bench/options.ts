import { parseArgs } from "node:util";
import { MAX_REGIONS } from "../../shared/limits.js";

export const SUITES = [
  "region",
  "digest",
  "availability",
  "redis",
  "compact",
  "mesh",
  "mesh-sim",
  "subscribers",
  "first-read",
  "storage",
] as const;
export type Suite = (typeof SUITES)[number];

export interface BenchOptions {
  readonly suites: readonly Suite[];
  readonly rounds: number;
  readonly seconds: number;
  readonly inFlight: readonly number[];
  readonly kills: number;
  /** Regions that the mesh has, one run for each; each suite's own unless given. */
  readonly regions: readonly number[] | undefined;
  readonly subscribers: number;
  readonly groups: number;
  /** Keys that a region has when a gateway first reads it. */
  readonly keys: number;
  /** Puts a second. */
  readonly rates: readonly number[];
  readonly json: boolean;
}

export const HELP = `Benchmarks beside real peers, in one run, as ratios: the median of several rounds.

Usage: npm run bench -- [suite …] [options]

  region   puts and linearizable gets on three members, beside three members of etcd
  digest   from a put's answer in one region to the subscriber's event in another
  availability
           how long writes pause when the leader is killed, and when leadership is moved
  redis    from a change of a gateway's view to its entry in Redis's stream
  compact  bytes between the gateways of two regions, beside etcdctl make-mirror's for the
           same changes, at several intervals between pushes
  mesh     from a put's answer to the last subscriber of 12 regions at measured distances, on
           real processes behind delay proxies; whole, and with 5 % of the links cut
  mesh-sim how changes spread among 33 and 1,000 simulated regions at measured distances,
           beside a direct push and gossip like Serf's; one run, in virtual time
  subscribers
           many subscribers to many changing groups at one gateway, beside as many watchers
           of the same keys at etcd and at etcd's grpc-proxy
  first-read
           a gateway's first read of a region of many keys, of etcd's member and of ours:
           time, memory, and how long others wait meanwhile
  storage  what it costs a gateway to keep a view of 100,000 groups on disk while they change,
           and how soon it is back

  --rounds N        rounds of each load, alternating between the systems (default 5)
  --seconds S       length of one load; compact: ten times that          (default 4)
  --in-flight A,B   calls kept open at once                              (default 1,100,1000)
  --kills N         leaders killed, and moves of leadership, of each system (default 20)
  --regions A,B     regions of the mesh      (default 12 processes, 33 and 1000 simulated)
  --subscribers N   subscribers, each with a connection of its own       (default 1000)
  --groups N        groups that change in turn, and that each follows    (default 1000)
  --keys N          keys of the region that is read first                (default 1000000)
  --rates A,B       puts a second, one load each                         (default 100,1000)
  -o, --output FORM table or json                                        (default table)
  -h, --help        this text

Example: npm run bench -- region --rounds 3 --in-flight 100
`;

function positive(text: string, name: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name}: "${text}" is not a number above 0`);
  return value;
}

function whole(text: string, name: string): number {
  const value = positive(text, name);
  if (!Number.isInteger(value)) throw new Error(`--${name}: "${text}" is not a whole number`);
  return value;
}

function regionsOf(text: string): number {
  const regions = whole(text, "regions");
  if (regions >= 2 && regions <= MAX_REGIONS) return regions;
  throw new Error(`--regions: ${regions} is not between 2 and ${MAX_REGIONS}`);
}

function wholes(text: string, name: string): number[] {
  return text.split(",").map((part) => whole(part, name));
}

function suitesOf(names: readonly string[]): Suite[] {
  if (names.length === 0) return [...SUITES];
  return names.map((name) => {
    const suite = SUITES.find((candidate) => candidate === name);
    if (suite === undefined)
      throw new Error(`there is no suite "${name}"; there are ${SUITES.join(", ")}`);
    return suite;
  });
}

/** Parses the words after `npm run bench --`; undefined when help was asked for. Throws naming what is wrong. */
export function parseBenchOptions(words: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "4" },
      "in-flight": { type: "string", default: "1,100,1000" },
      kills: { type: "string", default: "20" },
      regions: { type: "string" },
      subscribers: { type: "string", default: "1000" },
      groups: { type: "string", default: "1000" },
      rates: { type: "string", default: "100,1000" },
      keys: { type: "string", default: "1000000" },
      output: { type: "string", short: "o", default: "table" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  if (values.output !== "table" && values.output !== "json") {
    throw new Error(`--output: "${values.output}" is not table or json`);
  }
  return {
    suites: suitesOf(positionals),
    rounds: whole(values.rounds, "rounds"),
    seconds: positive(values.seconds, "seconds"),
    inFlight: wholes(values["in-flight"], "in-flight"),
    kills: whole(values.kills, "kills"),
    regions: values.regions?.split(",").map((text) => regionsOf(text)),
    subscribers: whole(values.subscribers, "subscribers"),
    groups: whole(values.groups, "groups"),
    keys: whole(values.keys, "keys"),
    rates: wholes(values.rates, "rates"),
    json: values.output === "json",
  };
}
