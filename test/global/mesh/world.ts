import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GlobalState } from "../../../global/digest/global-state.js";
import { ReportBook } from "../../../global/digest/report.js";
import { MeshCore } from "../../../global/mesh/core/mesh-core.js";
import type { Now } from "../../../global/mesh/core/now.js";
import type { MeshEvent, MeshOutput } from "../../../global/mesh/core/output.js";
import { FOLD_SEMANTICS } from "../../../global/summary/types.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import {
  SyncRequestSchema,
  SyncResponseSchema,
} from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { MESH_TICK_MS } from "../../../shared/limits.js";
import { type Random, seededRandom } from "../../../shared/random.js";
import { FakeRegion } from "./fake-region.js";

/** A stream between two gateways of the world; messages keep their order. */
interface Connection {
  readonly dialer: SimGateway;
  readonly address: string;
  readonly session: number;
  readonly target: SimGateway;
  readonly stream: number;
  /** When the last message in each direction arrives. */
  lastUpMs: number;
  lastDownMs: number;
  open: boolean;
}

/** A gateway's machine: a clock of its own, and what survives restarts. */
export class SimGateway {
  readonly region: FakeRegion;
  readonly name: string;
  readonly address: string;
  readonly #driftRate: number;
  readonly #offsetMs: number;
  core!: MeshCore;
  state!: GlobalState;
  alive = false;
  /** What the fold has published since the last start; undefined before the first read. */
  folded: number | undefined;
  /** Its source doesn't move: the etcd member it reads from is cut off. */
  sourceStalled = false;
  life = 0;

  constructor(region: FakeRegion, name: string, random: Random) {
    this.region = region;
    this.name = name;
    this.address = `${name}:1`;
    this.#driftRate = 1 + (random.next() - 0.5) * 2 * 200e-6;
    this.#offsetMs = random.int(1_000_000);
  }

  now(worldMs: number): Now {
    const monotonicMs = this.#offsetMs + worldMs * this.#driftRate;
    return { monotonicMs, ageMs: monotonicMs + 17 };
  }

  /** Milliseconds by the world's clock that `localMs` of this one's are. */
  toWorldMs(localMs: number): number {
    return localMs / this.#driftRate;
  }
}

export interface SimOptions {
  readonly seed: number;
  readonly regions: number;
  readonly gatewaysPerRegion: number;
  readonly summaries: readonly string[];
  readonly groups: number;
}

interface Job {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Several regions' gateways on a simulated network, replayed by one seed. */
export class World {
  readonly random: Random;
  readonly regions: FakeRegion[] = [];
  readonly gateways: SimGateway[] = [];
  readonly events: { gateway: string; event: MeshEvent }[] = [];
  nowMs = 0;
  frames = 0;
  bytes = 0;
  /** Pairs of regions (or gateways) whose messages don't get through, by direction. */
  readonly #cuts = new Set<string>();
  readonly #connections = new Set<Connection>();
  readonly #byStream = new Map<SimGateway, Map<number, Connection>>();
  readonly #directory = new Map<string, string[]>();
  readonly #jobs: Job[] = [];
  #order = 0;
  #nextStream = 1;

  constructor(options: SimOptions) {
    this.random = seededRandom(options.seed);
    for (let r = 0; r < options.regions; r++) {
      const region = new FakeRegion(`r${r}`, r + 1, options.summaries, options.groups);
      this.regions.push(region);
      for (let g = 0; g < options.gatewaysPerRegion; g++) {
        this.gateways.push(new SimGateway(region, `r${r}-g${g}`, this.random));
      }
    }
    for (const { region, address } of this.gateways) {
      const addresses = this.#directory.get(region.name) ?? [];
      this.#directory.set(region.name, [...addresses, address]);
    }
  }

  at(delayMs: number, run: () => void): void {
    this.#jobs.push({ atMs: this.nowMs + delayMs, order: this.#order++, run });
    let i = this.#jobs.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(this.#jobs[i] as Job, this.#jobs[parent] as Job)) break;
      [this.#jobs[i], this.#jobs[parent]] = [this.#jobs[parent] as Job, this.#jobs[i] as Job];
      i = parent;
    }
  }

  /** Runs the world for a while. */
  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    while (this.#jobs.length > 0 && (this.#jobs[0] as Job).atMs <= endMs) {
      const job = this.#pop();
      this.nowMs = job.atMs;
      job.run();
    }
    this.nowMs = endMs;
  }

  start(gateway: SimGateway): void {
    const life = ++gateway.life;
    gateway.alive = true;
    gateway.folded = undefined;
    gateway.state = new GlobalState(sha256);
    gateway.core = new MeshCore({
      region: gateway.region.name,
      gateway: gateway.name,
      foldSemantics: FOLD_SEMANTICS,
      directory: this.#directory,
      state: gateway.state,
      freshness: new FreshnessBook(gateway.state),
      reports: new ReportBook(),
      random: seededRandom(this.random.int(2 ** 31)),
    });
    this.#byStream.set(gateway, new Map());
    const isThis = (): boolean => gateway.alive && gateway.life === life;
    const tick = (): void => {
      if (!isThis()) return;
      gateway.core.tick(gateway.now(this.nowMs));
      this.#carryOut(gateway);
      this.at(MESH_TICK_MS, tick);
    };
    const fold = (): void => {
      if (!isThis()) return;
      if (!gateway.sourceStalled) this.#fold(gateway);
      this.at(5 + this.random.int(60), fold);
    };
    this.at(this.random.int(100), tick);
    this.at(50 + this.random.int(300), fold);
  }

  stop(gateway: SimGateway): void {
    gateway.alive = false;
    for (const connection of this.#connections) {
      if (connection.dialer === gateway || connection.target === gateway) {
        this.#break(connection, "the process is gone");
      }
    }
  }

  /** Messages from one region's gateways to another's get lost; streams hang. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Breaks every open stream between two regions, at both ends. */
  reset(a: string, b: string): void {
    for (const connection of this.#connections) {
      const ends = [connection.dialer.region.name, connection.target.region.name];
      if (ends.includes(a) && ends.includes(b)) this.#break(connection, "reset");
    }
  }

  #fold(gateway: SimGateway): void {
    const { region, core, state } = gateway;
    // The read that confirms begins before the watch has brought what is folded now.
    const readAtMs = this.nowMs - this.random.int(20);
    const readRevision = gateway.folded ?? region.revision;
    if (gateway.folded !== undefined && region.supersededAtMs(readRevision) > readAtMs) {
      const asOfMs = gateway.now(readAtMs).ageMs;
      core.confirmed(region.incarnation, readRevision, asOfMs);
    }
    if (gateway.folded !== region.revision) {
      for (const publication of region.publications(gateway.folded, region.revision)) {
        const outcome = state.publish(publication);
        if (outcome.kind === "applied") core.published(outcome.section);
        else if (outcome.kind !== "known") throw new Error(`publish: ${JSON.stringify(outcome)}`);
      }
      gateway.folded = region.revision;
    }
    this.#carryOut(gateway);
  }

  #carryOut(gateway: SimGateway): void {
    for (;;) {
      const outputs = gateway.core.take(gateway.now(this.nowMs));
      if (outputs.length === 0) break;
      for (const output of outputs) this.#perform(gateway, output);
    }
    const { monotonicMs } = gateway.now(this.nowMs);
    const dueMs = gateway.core.dueMs();
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const { life } = gateway;
    this.at(Math.max(0.1, gateway.toWorldMs(dueMs - monotonicMs)), () => {
      if (gateway.alive && gateway.life === life) this.#carryOut(gateway);
    });
  }

  #perform(gateway: SimGateway, output: MeshOutput): void {
    switch (output.kind) {
      case "dial":
        this.#dial(gateway, output.address, output.session);
        this.#sendUp(gateway, output.address, output.session, output.request);
        break;
      case "request":
        this.#sendUp(gateway, output.address, output.session, output.request);
        break;
      case "hang-up": {
        const connection = this.#find(gateway, output.address, output.session);
        if (connection !== undefined) this.#break(connection, "hung up");
        break;
      }
      case "frame":
        this.#sendDown(gateway, output.stream, output.bytes);
        break;
      case "end-stream": {
        const connection = this.#byStream.get(gateway)?.get(output.stream);
        if (connection !== undefined) this.#break(connection, output.error.message);
        break;
      }
      case "moved":
        break;
      case "event":
        this.events.push({ gateway: gateway.name, event: output.event });
        break;
    }
  }

  #dial(dialer: SimGateway, address: string, session: number): void {
    const target = this.gateways.find((candidate) => candidate.address === address);
    if (target === undefined) throw new Error(`nobody is at ${address}`);
    const stream = this.#nextStream++;
    const connection: Connection = {
      ...{ dialer, address, session, target, stream },
      ...{ lastUpMs: 0, lastDownMs: 0, open: true },
    };
    this.#connections.add(connection);
    this.#byStream.get(target)?.set(stream, connection);
    if (!target.alive) this.at(1, () => this.#break(connection, "connection refused"));
  }

  #find(dialer: SimGateway, address: string, session: number): Connection | undefined {
    for (const connection of this.#connections) {
      if (
        connection.dialer === dialer &&
        connection.address === address &&
        connection.session === session
      ) {
        return connection;
      }
    }
    return undefined;
  }

  #break(connection: Connection, error: string): void {
    if (!connection.open) return;
    connection.open = false;
    this.#connections.delete(connection);
    const { dialer, address, session, target, stream } = connection;
    const lives = [dialer.life, target.life];
    this.at(1, () => {
      if (dialer.alive && dialer.life === lives[0]) {
        dialer.core.closed(address, session, error, dialer.now(this.nowMs));
        this.#carryOut(dialer);
      }
      if (target.alive && target.life === lives[1]) {
        this.#byStream.get(target)?.delete(stream);
        target.core.ended(stream);
        this.#carryOut(target);
      }
    });
  }

  #sendUp(gateway: SimGateway, address: string, session: number, request: object): void {
    const connection = this.#find(gateway, address, session);
    if (connection === undefined) return;
    const bytes = toBinary(SyncRequestSchema, create(SyncRequestSchema, request));
    const { target, dialer, stream } = connection;
    const arrivalMs = Math.max(connection.lastUpMs, this.nowMs + this.#latencyMs(dialer, target));
    connection.lastUpMs = arrivalMs;
    this.#deliver(connection, dialer, target, arrivalMs, () => {
      try {
        target.core.requested(stream, fromBinary(SyncRequestSchema, bytes), target.now(this.nowMs));
      } catch (error) {
        this.#break(connection, String(error));
      }
      this.#carryOut(target);
    });
  }

  #sendDown(gateway: SimGateway, stream: number, bytes: Uint8Array): void {
    const connection = this.#byStream.get(gateway)?.get(stream);
    if (connection === undefined) return;
    this.frames++;
    this.bytes += bytes.length;
    const { dialer, target, address, session } = connection;
    const arrivalMs = Math.max(connection.lastDownMs, this.nowMs + this.#latencyMs(target, dialer));
    connection.lastDownMs = arrivalMs;
    this.#deliver(connection, target, dialer, arrivalMs, () => {
      const frame = fromBinary(SyncResponseSchema, bytes);
      dialer.core.received(address, session, frame, dialer.now(this.nowMs));
      this.#carryOut(dialer);
    });
  }

  /** Delivers in order; what is cut waits, as TCP would send it again after the heal. */
  #deliver(
    connection: Connection,
    from: SimGateway,
    to: SimGateway,
    atMs: number,
    run: () => void,
  ): void {
    this.at(atMs - this.nowMs, () => {
      if (!connection.open || !to.alive) return;
      if (this.#cuts.has(`${from.region.name}>${to.region.name}`)) {
        const later = this.nowMs + 200;
        if (from === connection.dialer) connection.lastUpMs = Math.max(connection.lastUpMs, later);
        else connection.lastDownMs = Math.max(connection.lastDownMs, later);
        this.#deliver(connection, from, to, later, run);
        return;
      }
      run();
    });
  }

  /** One way, with jitter; half a millisecond inside of a region. */
  #latencyMs(from: SimGateway, to: SimGateway): number {
    if (from.region === to.region) return 0.5 + this.random.next();
    const distance = Math.abs(this.regions.indexOf(from.region) - this.regions.indexOf(to.region));
    return 20 * distance + this.random.next() * 10;
  }

  #pop(): Job {
    const first = this.#jobs[0] as Job;
    const last = this.#jobs.pop() as Job;
    if (this.#jobs.length === 0) return first;
    this.#jobs[0] = last;
    let i = 0;
    for (;;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        const candidate = this.#jobs[child];
        if (candidate !== undefined && before(candidate, this.#jobs[least] as Job)) least = child;
      }
      if (least === i) return first;
      [this.#jobs[i], this.#jobs[least]] = [this.#jobs[least] as Job, this.#jobs[i] as Job];
      i = least;
    }
  }
}

function before(a: Job, b: Job): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
