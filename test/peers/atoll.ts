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

export interface RegionMember {
  readonly name: string;
  /** host:port of its etcd API. */
  readonly client: string;
  readonly peer: string;
  /** host:port of its health and metrics. */
  readonly http: string;
  readonly dataDir: string;
}

/** A region of our own members, each a process, as a test or benchmark sees it. */
export class Region {
  readonly name: string;
  readonly members: readonly RegionMember[];
  readonly #children: Child[] = [];
  readonly #dataDir: string;
  readonly #options: RegionOptions;

  constructor(members: readonly RegionMember[], dataDir: string, options: RegionOptions) {
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
    const all = this.members.map(({ name, peer }) => `${name}=${peer}`).join(",");
    const settings = flags({
      name: member.name,
      region: this.name,
      "data-dir": member.dataDir,
      client: member.client,
      peer: member.peer,
      http: member.http,
      "initial-cluster": all,
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
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    if (!this.child(index).hasExited) throw new Error(`${member.name} still runs`);
    this.#children[index] = this.#spawn(member);
    await this.ready(index);
  }

  /** Stops every member cleanly and removes the data where the folder was temporary. */
  async stop(): Promise<void> {
    try {
      await Promise.all(this.#children.map((child) => child.stop()));
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
  const ports = await freePorts(3 * count);
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "atoll-region-")));
  const members = Array.from({ length: count }, (_, i) => ({
    name: `member-${i}`,
    client: `127.0.0.1:${ports[3 * i]}`,
    peer: `127.0.0.1:${ports[3 * i + 1]}`,
    http: `127.0.0.1:${ports[3 * i + 2]}`,
    dataDir: join(dataDir, `member-${i}`),
  }));
  const region = new Region(members, dataDir, options);
  await region.start();
  return region;
}
