import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MEMBER_NODE_OPTIONS } from "../../shared/lifecycle.js";
import { freePorts } from "../../shared/ports.js";
import { Child, httpOk } from "./child.js";
import { flags } from "./exec.js";
import { REPOSITORY_ROOT } from "./paths.js";

const READY_MS = 30_000;
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

/** Where a member is. */
interface RegionPlaces {
  readonly name: string;
  /** host:port of its etcd API. */
  readonly client: string;
  readonly peer: string;
  /** host:port of its health and metrics. */
  readonly http: string;
  readonly dataDir: string;
}

export interface RegionMember extends RegionPlaces {
  /** What it is told of the others when it starts: name=host:port,… */
  readonly initialCluster: string;
  readonly clusterState: "new" | "existing";
}

async function newMembers(count: number, first: number, dataDir: string): Promise<RegionPlaces[]> {
  const ports = await freePorts(3 * count);
  return Array.from({ length: count }, (_, i) => ({
    name: `member-${first + i}`,
    client: `127.0.0.1:${ports[3 * i]}`,
    peer: `127.0.0.1:${ports[3 * i + 1]}`,
    http: `127.0.0.1:${ports[3 * i + 2]}`,
    dataDir: join(dataDir, `member-${first + i}`),
  }));
}

function clusterText(members: readonly RegionPlaces[]): string {
  return members.map(({ name, peer }) => `${name}=${peer}`).join(",");
}

/** A region of our own members, each a process, as a test or benchmark sees it. */
export class Region {
  readonly name: string;
  /** Every member that ever was, in the order in which they came. */
  readonly members: RegionMember[];
  readonly #children: (Child | undefined)[] = [];
  readonly #dataDir: string;
  readonly #options: RegionOptions;

  constructor(members: RegionMember[], dataDir: string, options: RegionOptions) {
    this.name = options.region ?? "test";
    this.members = members;
    this.#dataDir = dataDir;
    this.#options = options;
  }

  /** host:port of each member's etcd API. */
  get endpoints(): string[] {
    return this.members.map((member) => member.client);
  }

  #spawn(member: RegionMember): Child {
    const index = this.members.indexOf(member);
    const settings = flags({
      name: member.name,
      region: this.name,
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
      this.#options.program ?? PROGRAM,
    ];
    const [program = process.execPath, ...args] = (this.#options.wrapper?.(index) ?? [])
      .concat(node)
      .concat(settings)
      .concat(this.#options.args ?? []);
    const env = { ...process.env, ...this.#options.env };
    return new Child(member.name, program, args, env);
  }

  /** A member that may join `others`, to be added to the membership and then started; its index. */
  async prepare(others: readonly number[]): Promise<number> {
    const [places] = await newMembers(1, this.members.length, this.#dataDir);
    if (places === undefined) throw new Error("there is no place for another member");
    const all = [...others.map((index) => this.member(index)), places];
    this.members.push({ ...places, initialCluster: clusterText(all), clusterState: "existing" });
    return this.members.length - 1;
  }

  /** Changes where a stopped member is, or what it is told when it starts. */
  change(index: number, fields: Partial<RegionMember>): void {
    this.members[index] = { ...this.member(index), ...fields };
  }

  member(index: number): RegionMember {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  /** Starts a member, the first time or again, without waiting for anything. */
  launch(index: number): Child {
    const before = this.#children[index];
    const member = this.member(index);
    if (before !== undefined && !before.hasExited) throw new Error(`${member.name} still runs`);
    const child = this.#spawn(member);
    this.#children[index] = child;
    return child;
  }

  /** Resolves when a member says that it is ready to serve. */
  async ready(index: number): Promise<void> {
    const url = `http://${this.members[index]?.http}/readyz`;
    await this.child(index).until(() => httpOk(url), READY_MS);
  }

  /** Starts every member and waits until all are ready. */
  async start(): Promise<void> {
    for (const member of this.members) this.#children.push(this.#spawn(member));
    try {
      await Promise.all(this.members.map((_, index) => this.ready(index)));
    } catch (error) {
      await this.stop().catch(() => {});
      throw error;
    }
  }

  /** The process of one member: `kill()`, `stop()`, `signal("SIGSTOP")`, its output. */
  child(index: number): Child {
    const child = this.#children[index];
    if (child === undefined) throw new Error(`there is no member ${index}`);
    return child;
  }

  /** Starts a member again that was killed or stopped, on its own data; waits until it is ready. */
  async restart(index: number): Promise<void> {
    this.launch(index);
    await this.ready(index);
  }

  /** Stops every member cleanly and removes the data where the folder was temporary. */
  async stop(): Promise<void> {
    try {
      await Promise.all(this.#children.map(async (child) => child?.stop()));
    } finally {
      if (this.#options.dataDir === undefined) {
        await rm(this.#dataDir, { recursive: true, force: true });
      }
    }
  }
}

/**
 * Starts a region of our own members (`dist/regional/main.js`, so build first) on
 * free loopback ports; resolves when every one is ready.
 */
export async function startRegion(options: RegionOptions = {}): Promise<Region> {
  await access(PROGRAM).catch(() => {
    throw new Error(`${PROGRAM} is not there; run npm run build first`);
  });
  const count = options.members ?? 3;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "atoll-region-")));
  const places = await newMembers(count, 0, dataDir);
  const initialCluster = clusterText(places);
  const members = places.map((place) => ({
    ...place,
    initialCluster,
    clusterState: "new" as const,
  }));
  const region = new Region(members, dataDir, options);
  await region.start();
  return region;
}
