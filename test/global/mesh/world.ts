import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Publication } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { ReportBook } from "../../../global/digest/report.js";
import { MeshCore } from "../../../global/mesh/core/mesh-core.js";
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
import { EventQueue } from "../../simulation/world/event-queue.js";
import { FakeRegion } from "./fake-region.js";
import { type Bug, spoil } from "./planted-bugs.js";
import { SimGateway } from "./sim-gateway.js";
import { SimSource } from "./sim-source.js";

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

export interface SimOptions {
  readonly seed: number;
  readonly regions: number;
  readonly gatewaysPerRegion: number;
  readonly summaries: readonly string[];
  readonly groups: number;
  /** A mistake that the world's gateways make, to see that it is noticed. */
  readonly bug?: Bug;
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
  readonly #jobs = new EventQueue<() => void>();
  #nextStream = 1;
  readonly #bug: Bug | undefined;
  /** What messages from one region to another take longer than usual, by direction. */
  readonly #slow = new Map<string, number>();

  constructor(options: SimOptions) {
    this.random = seededRandom(options.seed);
    this.#bug = options.bug;
    for (let r = 0; r < options.regions; r++) {
      const region = new FakeRegion(`r${r}`, r + 1, options.summaries, options.groups);
      this.regions.push(region);
      for (let g = 0; g < options.gatewaysPerRegion; g++) {
        this.gateways.push(new SimGateway(region, `r${r}-g${g}`, this.random, options.bug));
      }
    }
    for (const { region, address } of this.gateways) {
      const addresses = this.#directory.get(region.name) ?? [];
      this.#directory.set(region.name, [...addresses, address]);
    }
  }

  at(delayMs: number, run: () => void): void {
    this.#jobs.push(this.nowMs + delayMs, run);
  }

  /** Runs the world for a while. */
  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    while ((this.#jobs.nextTime ?? Number.POSITIVE_INFINITY) <= endMs) {
      const job = this.#jobs.pop();
      if (job === undefined) break;
      this.nowMs = job.time;
      job.event();
    }
    this.nowMs = endMs;
  }

  start(gateway: SimGateway): void {
    const life = ++gateway.life;
    gateway.alive = true;
    gateway.frozenUntilMs = 0;
    gateway.machine.tell(this.nowMs);
    gateway.machine.wake();
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
    const later = (delayMs: number, run: () => void): void => {
      this.at(Math.max(delayMs, gateway.frozenUntilMs - this.nowMs), () => {
        if (!gateway.alive || gateway.life !== life) return;
        // It may have been frozen since.
        if (gateway.runs(this.nowMs)) run();
        else later(0, run);
      });
    };
    const tick = (): void => {
      gateway.core.tick(gateway.now(this.nowMs));
      this.#carryOut(gateway);
      later(MESH_TICK_MS, tick);
    };
    later(this.random.int(100), tick);
    this.#sourceOf(gateway, later).start();
  }

  #sourceOf(gateway: SimGateway, later: (delayMs: number, run: () => void) => void): SimSource {
    const { core, state, region } = gateway;
    const now = (): number => this.nowMs;
    const world = {
      random: this.random,
      later,
      get nowMs() {
        return now();
      },
      publish: (publications: readonly Publication[]): void => {
        for (const publication of publications) {
          const outcome = state.publish(publication);
          if (outcome.kind === "applied") core.published(outcome.section);
          else if (outcome.kind !== "known") throw new Error(`publish: ${JSON.stringify(outcome)}`);
        }
        this.#carryOut(gateway);
      },
      confirmed: (revision: number, asOfMs: number): void => {
        core.confirmed(region.incarnation, revision, asOfMs);
        this.#carryOut(gateway);
      },
    };
    return new SimSource(gateway, world, this.#bug);
  }

  /** Nothing of a gateway runs for a while; `asleep` with its whole machine. `thawed` comes first after. */
  freeze(gateway: SimGateway, forMs: number, asleep: boolean, thawed: () => void): void {
    if (!gateway.runs(this.nowMs)) return;
    gateway.now(this.nowMs);
    gateway.frozenUntilMs = this.nowMs + forMs;
    if (asleep) gateway.machine.sleep();
    this.at(forMs, () => {
      gateway.machine.tell(this.nowMs);
      gateway.machine.wake();
      thawed();
    });
  }

  /** Messages from one region to another take longer by so much, the other way not. */
  slow(from: string, to: string, byMs: number): void {
    this.#slow.set(`${from}>${to}`, byMs);
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

  /** Ends cuts and slowness. */
  heal(): void {
    this.#slow.clear();
    this.#cuts.clear();
  }

  /** Breaks every open stream between two regions, at both ends. */
  reset(a: string, b: string): void {
    for (const connection of this.#connections) {
      const ends = [connection.dialer.region.name, connection.target.region.name];
      if (ends.includes(a) && ends.includes(b)) this.#break(connection, "reset");
    }
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
    this.at(Math.max(0.1, (dueMs - monotonicMs) / gateway.machine.rate), () => {
      if (gateway.runs(this.nowMs) && gateway.life === life) this.#carryOut(gateway);
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
    const hear = (gateway: SimGateway, life: number | undefined, run: () => void): void => {
      this.at(Math.max(1, gateway.frozenUntilMs - this.nowMs), () => {
        if (!gateway.alive || gateway.life !== life) return;
        if (!gateway.runs(this.nowMs)) return hear(gateway, life, run);
        run();
        this.#carryOut(gateway);
      });
    };
    hear(dialer, lives[0], () => {
      dialer.core.closed(address, session, error, dialer.now(this.nowMs));
    });
    hear(target, lives[1], () => {
      this.#byStream.get(target)?.delete(stream);
      target.core.ended(stream);
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
      spoil(frame, this.#bug, dialer.now(this.nowMs).ageMs);
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
      const isCut = this.#cuts.has(`${from.region.name}>${to.region.name}`);
      if (isCut || !to.runs(this.nowMs)) {
        const later = isCut ? this.nowMs + 200 : to.frozenUntilMs + 0.1;
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
    const slowMs = this.#slow.get(`${from.region.name}>${to.region.name}`) ?? 0;
    const distance = Math.abs(this.regions.indexOf(from.region) - this.regions.indexOf(to.region));
    return slowMs + 20 * distance + this.random.next() * 10;
  }
}
