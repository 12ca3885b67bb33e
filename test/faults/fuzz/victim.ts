import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "../../../global/digest/hash.js";
import type { KeyFiles } from "../../../global/trust/key-files.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import { EtcdClient } from "../../../shared/etcd/client.js";
import { put } from "../../../shared/etcd/kv.js";
import {
  GlobalService,
  type Notice,
  RegionStatus,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { TrustService } from "../../../shared/gen/atoll/trust/v1/trust_pb.js";
import { freePorts } from "../../../shared/ports.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import type { Topology } from "../../../shared/topology.js";
import { type Region, startRegion } from "../../peers/atoll.js";
import { flags } from "../../peers/exec.js";
import { Gateway } from "../../peers/gateway.js";
import { Subscriber } from "../../peers/subscriber.js";
import { metric } from "../metric.js";

/** The region of the gateway that is fuzzed. */
export const HOME = "east";
const DEFINITION =
  "name: home\nprefix: /machines/\ngroupBy: [value.app]\nmeasures:\n  machines: count()\n";
const KEY = "/machines/a";
/** Levels of pino from which on a line tells of something that should never happen. */
const ERROR_LEVEL = 50;

/** One section as the gateway holds it. */
export interface Held {
  readonly revision: number;
  /** Hexadecimal. */
  readonly root: string;
  /** What came last was refused; why. */
  readonly fault: string;
}

/** A region's member and gateway, as real processes, whose peers are the test's own. */
export class Victim {
  readonly region: Region;
  readonly gateway: Gateway;
  /** Follows what its own region publishes. */
  readonly #home: Subscriber;
  /** Follows what the other regions do. */
  readonly #others: Subscriber;
  /** Lines of its log at the level error or above. */
  readonly errors: string[] = [];
  /** Lines of its log so far. */
  logged = 0;
  readonly #folder: string;
  readonly #client: RpcClient;
  readonly #etcd: EtcdClient;
  #writes = 0;

  private constructor(region: Region, gateway: Gateway, folder: string) {
    this.region = region;
    this.gateway = gateway;
    this.#folder = folder;
    this.#client = new RpcClient(gateway.address.grpc);
    this.#etcd = new EtcdClient({ endpoints: region.endpoints });
    this.#home = new Subscriber(gateway.address.grpc, "home");
    this.#others = new Subscriber(gateway.address.grpc, "machines");
    gateway.child.onLine((line) => {
      this.logged++;
      if (isError(line)) this.errors.push(line);
    });
  }

  /** Starts it; the regions' gateways are dialled at the given addresses. */
  static async start(
    peers: ReadonlyMap<string, readonly string[]>,
    keys: KeyFiles,
  ): Promise<Victim> {
    const region = await startRegion({ members: 1, region: HOME });
    const folder = await mkdtemp(join(tmpdir(), "atoll-fuzz-"));
    const [grpc, http] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
    const address = { name: `${HOME}-g0`, grpc: grpc as string, http: http as string };
    const {
      name,
      client,
      peer,
      http: memberHttp,
    } = region.members[0] as (typeof region.members)[0];
    const members = [{ name, client, peer, http: memberHttp }];
    const topology: Topology = {
      regions: [
        { name: HOME, members, gateways: [address] },
        ...[...peers].map(([of, addresses]) => ({
          name: of,
          members,
          gateways: addresses.map((at, i) => ({ name: `${of}-g${i}`, grpc: at, http: at })),
        })),
      ],
    };
    const file = join(folder, "topology.json");
    await writeFile(file, JSON.stringify(topology));
    const trust = flags({ trust: keys.trust, "signing-key": keys.signingKey(HOME) });
    const gateway = new Gateway(HOME, address, join(folder, "data"), { topology: file }, trust);
    await gateway.start();
    const victim = new Victim(region, gateway, folder);
    await put(victim.#etcd, "/atoll/summaries/home", DEFINITION);
    await victim.write();
    return victim;
  }

  get topologyFile(): string {
    return join(this.#folder, "topology.json");
  }

  /** Sections of a region as they are held, by summary. */
  async holdings(region: string): Promise<Map<string, Held>> {
    const { regions } = await this.#client.unary(TrustService.method.holdings, {
      regions: [region],
    });
    return new Map(
      (regions[0]?.sections ?? []).map(({ claim, fault }) => [
        claim?.summary ?? "",
        {
          revision: Number(claim?.version?.revision ?? 0),
          root: toHex(toBinaryKey(claim?.root ?? new Uint8Array(0))),
          fault,
        },
      ]),
    );
  }

  /** What Get says of a region's part of a summary: its groups, and what to think of it. */
  async view(region: string, summary: string): Promise<{ groups: string; status: RegionStatus }> {
    const answer = await this.#client.unary(GlobalService.method.get, {
      summary,
      regions: [region],
      byRegion: true,
    });
    const groups = (answer.byRegion[0]?.groups ?? []).map(({ key, cells }) => [
      key,
      cells.map(({ value }) => plainText(value)),
    ]);
    const status = answer.regions.find((part) => part.region === region)?.status;
    return { groups: JSON.stringify(groups), status: status ?? RegionStatus.UNSPECIFIED };
  }

  /** Regions that it tells of, with what it says of them. */
  async regions(): Promise<Map<string, { status: RegionStatus; reason: string }>> {
    const { regions } = await this.#client.unary(GlobalService.method.regions, {});
    return new Map(
      regions.map(({ freshness }) => [
        freshness?.region ?? "",
        { status: freshness?.status ?? 0, reason: freshness?.reason ?? "" },
      ]),
    );
  }

  /** All that it tells by regions' reports, as text. */
  async reported(): Promise<string> {
    const request = { summary: "machines", group: '["g1"]' };
    const [ranked, defined] = await Promise.all([
      this.#client.unary(GlobalService.method.resolve, request),
      this.#client.unary(GlobalService.method.summaries, {}),
    ]);
    return `${plainText(ranked)} ${plainText(defined)}`;
  }

  /** Writes to its member and waits until the gateway counts it; how long the put took, in ms. */
  async write(): Promise<number> {
    const app = `app-${++this.#writes}`;
    const began = performance.now();
    await put(this.#etcd, KEY, JSON.stringify({ app }));
    const tookMs = performance.now() - began;
    await this.#home.until(({ groups }) => groups.has(app));
    return tookMs;
  }

  /** Notices of a kind for a region that subscribers had so far. */
  notices(kind: Notice["kind"], region: string): Notice[] {
    return this.#others.notices.filter((one) => one.kind === kind && one.region === region);
  }

  /** One of the gateway's metrics, the sum over all series that have the label. */
  metric(name: string, label = ""): Promise<number> {
    return metric(this.gateway.address.http, `atoll_global_${name}`, label);
  }

  /** How many series one of the gateway's metrics has. */
  async series(name: string): Promise<number> {
    const response = await fetch(`http://${this.gateway.address.http}/metrics`);
    const lines = (await response.text()).split("\n");
    return lines.filter((line) => line.startsWith(`atoll_global_${name}{`)).length;
  }

  /** One of the member's metrics. */
  memberMetric(name: string): Promise<number> {
    return metric(this.region.members[0]?.http ?? "", `atoll_regional_${name}`);
  }

  /** Memory of the gateway's process in bytes: now, and the most that it ever had. */
  async memory(): Promise<{ now: number; most: number }> {
    const status = await readFile(`/proc/${this.gateway.child.pid}/status`, "utf8");
    const read = (field: string): number =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024;
    return { now: read("VmRSS"), most: read("VmHWM") };
  }

  async stop(): Promise<void> {
    this.#home.close();
    this.#others.close();
    this.#client.close();
    this.#etcd.close();
    await Promise.allSettled([this.gateway.child.stop(), this.region.stop()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function isError(line: string): boolean {
  try {
    return Number((JSON.parse(line) as { level?: unknown }).level) >= ERROR_LEVEL;
  } catch {
    // What isn't a line of the log is what Node says of a crash.
    return line.trim() !== "";
  }
}

function plainText(value: unknown): string {
  return JSON.stringify(value, (key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : key.startsWith("$") ? undefined : value,
  );
}
