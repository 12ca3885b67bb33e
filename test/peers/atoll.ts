import { access, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MEMBER_NODE_OPTIONS } from "../../shared/lifecycle.js";
import { freePorts } from "../../shared/ports.js";
import { Child, httpOk } from "./child.js";
import { flags } from "./exec.js";
import { Group, type Joining, type Place } from "./group.js";
import { REPOSITORY_ROOT } from "./paths.js";

const PROGRAM = join(REPOSITORY_ROOT, "dist", "regional", "main.js");

export interface RegionOptions {
  readonly members?: 1 | 3 | 5;
  /** The region's name. */
  readonly region?: string;
  /** Kept when given; else a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  /** Further command-line options of every member. */
  readonly args?: readonly string[];
  /** What each member is started by, such as strace and its options; node comes after it. */
  readonly wrapper?: (index: number) => readonly string[];
  /** Another build's `regional/main.js`. */
  readonly program?: string;
  readonly env?: NodeJS.ProcessEnv;
}

interface RegionPlace extends Place {
  /** host:port of its health and metrics. */
  readonly http: string;
  readonly dataDir: string;
}

export type RegionMember = RegionPlace & Joining;

/** A region of our own members. */
export type Region = Group<RegionPlace>;

async function places(dataDir: string, count: number, first: number): Promise<RegionPlace[]> {
  const ports = await freePorts(3 * count);
  return Array.from({ length: count }, (_, i) => ({
    name: `member-${first + i}`,
    client: `127.0.0.1:${ports[3 * i]}`,
    peer: `127.0.0.1:${ports[3 * i + 1]}`,
    http: `127.0.0.1:${ports[3 * i + 2]}`,
    dataDir: join(dataDir, `member-${first + i}`),
  }));
}

function spawn(options: RegionOptions, member: RegionMember, index: number): Child {
  const settings = flags({
    name: member.name,
    region: options.region ?? "test",
    "data-dir": member.dataDir,
    client: member.client,
    peer: member.peer,
    http: member.http,
    "initial-cluster": member.initialCluster,
    "initial-cluster-state": member.clusterState,
  });
  const node = [
    process.execPath,
    ...MEMBER_NODE_OPTIONS,
    "--enable-source-maps",
    options.program ?? PROGRAM,
  ];
  const [program = process.execPath, ...args] = (options.wrapper?.(index) ?? [])
    .concat(node)
    .concat(settings)
    .concat(options.args ?? []);
  return new Child(member.name, program, args, { ...process.env, ...options.env });
}

/**
 * Starts a region of our own members (`dist/regional/main.js`, so build first) on
 * free loopback ports; resolves when every one is ready.
 */
export async function startRegion(options: RegionOptions = {}): Promise<Region> {
  await access(PROGRAM).catch(() => {
    throw new Error(`${PROGRAM} is not there; run npm run build first`);
  });
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "atoll-region-")));
  const region = new Group<RegionPlace>({
    places: (count, first) => places(dataDir, count, first),
    address: ({ peer }) => peer,
    spawn: (member, index) => spawn(options, member, index),
    isReady: ({ http }) => httpOk(`http://${http}/readyz`),
    end: (child) => child.stop(),
    temporary: options.dataDir === undefined ? dataDir : undefined,
  });
  await region.start(options.members ?? 3);
  return region;
}
