import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Publication } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { ReportBook } from "../../../global/digest/report.js";
import type { Section } from "../../../global/digest/section.js";
import { MeshCore } from "../../../global/mesh/core/mesh-core.js";
import type { MeshEvent, MeshOutput } from "../../../global/mesh/core/output.js";
import { FOLD_SEMANTICS } from "../../../global/summary/types.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import {
  SyncRequestSchema,
  type SyncResponse,
  SyncResponseSchema,
} from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { MESH_TICK_MS } from "../../../shared/limits.js";
import { type Random, seededRandom } from "../../../shared/random.js";
import { EventQueue } from "../../simulation/world/event-queue.js";
import { FakeRegion } from "./fake-region.js";
import { type Bug, spoil } from "./planted-bugs.js";
import { SimGateway } from "./sim-gateway.js";
import { type Connection, SimNetwork } from "./sim-network.js";
import { SimSource } from "./sim-source.js";

/** Is told what happens to sections, at the world's time. */
export interface Observer {
  /** A region's own gateway has new sections. */
  published(region: string, revision: number, atMs: number): void;
  /** A gateway has joined another region's section. */
  joined(gateway: SimGateway, section: Section, atMs: number): void;
}

/** What gateways sent to each other. */
export interface Traffic {
  /** Frames, and how many of them bring sections' news. */
  frames: number;
  newsFrames: number;
  /** Bytes of frames, and of those of them that bring news. */
  bytes: number;
  newsBytes: number;
  /** Chunks of sections. */
  chunks: number;
  requests: number;
  requestBytes: number;
}

export interface SimOptions {
  readonly seed: number;
  readonly regions: number;
  readonly gatewaysPerRegion: number;
  readonly summaries: readonly string[];
  readonly groups: number;
  /** Names of the regions; r0, r1 and so on when absent. */
  readonly names?: readonly string[];
  /** Milliseconds one way between two regions, by index; 20 a step and up to 10 more when absent. */
  readonly oneWayMs?: (from: number, to: number) => number;
  /** By index, whether a region has nothing to tell; its gateways only receive and pass on. */
  readonly isQuiet?: (region: number) => boolean;
  /** Pause between two ticks of a gateway's mesh; MESH_TICK_MS when absent. */
  readonly tickMs?: number;
  /** Is told of what is published and what arrives. */
  readonly observer?: Observer;
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
  readonly traffic: Traffic = {
    ...{ frames: 0, newsFrames: 0, bytes: 0, newsBytes: 0 },
    ...{ chunks: 0, requests: 0, requestBytes: 0 },
  };
  readonly #network = new SimNetwork(this, (from, to) => this.#latencyMs(from, to));
  readonly #byAddress = new Map<string, SimGateway>();
  readonly #places = new Map<FakeRegion, number>();
  readonly #directory = new Map<string, string[]>();
  readonly #jobs = new EventQueue<() => void>();
  readonly #options: SimOptions;

  constructor(options: SimOptions) {
    this.random = seededRandom(options.seed);
    this.#options = options;
    for (let r = 0; r < options.regions; r++) {
      const region = new FakeRegion(
        options.names?.[r] ?? `r${r}`,
        r + 1,
        options.summaries,
        options.groups,
      );
      this.regions.push(region);
      this.#places.set(region, r);
      for (let g = 0; g < options.gatewaysPerRegion; g++) {
        this.gateways.push(
          new SimGateway(region, `${region.name}-g${g}`, this.random, options.bug),
        );
      }
    }
    for (const gateway of this.gateways) {
      const { region, address } = gateway;
      this.#byAddress.set(address, gateway);
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
    gateway.wakeMs = 0;
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
      later(this.#options.tickMs ?? MESH_TICK_MS, tick);
    };
    later(this.random.int(100), tick);
    const place = this.#places.get(gateway.region) ?? 0;
    if (this.#options.isQuiet?.(place) !== true) this.#sourceOf(gateway, later).start();
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
        const { observer } = this.#options;
        observer?.published(region.name, region.revision, this.nowMs);
        this.#carryOut(gateway);
      },
      confirmed: (revision: number, asOfMs: number): void => {
        core.confirmed(region.incarnation, revision, asOfMs);
        this.#carryOut(gateway);
      },
    };
    return new SimSource(gateway, world, this.#options.bug);
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
    this.#network.slow(from, to, byMs);
  }

  stop(gateway: SimGateway): void {
    gateway.alive = false;
    const ends = this.#network.filter(({ dialer, target }) => [dialer, target].includes(gateway));
    for (const connection of ends) this.#break(connection, "the process is gone");
  }

  /** Messages from one region's gateways to another's get lost; streams hang. */
  cut(from: string, to: string): void {
    this.#network.cut(from, to);
  }

  /** Ends cuts and slowness. */
  heal(): void {
    this.#network.heal();
  }

  /** Breaks every open stream between two regions, at both ends. */
  reset(a: string, b: string): void {
    const between = this.#network.filter(({ dialer, target }) => {
      const ends = [dialer.region.name, target.region.name];
      return ends.includes(a) && ends.includes(b);
    });
    for (const connection of between) this.#break(connection, "reset");
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
    const delayMs = Math.max(0.1, (dueMs - monotonicMs) / gateway.machine.rate);
    const wakeMs = this.nowMs + delayMs;
    // One that is to come anyway, and no later, will do.
    if (gateway.wakeMs > this.nowMs && gateway.wakeMs <= wakeMs) return;
    gateway.wakeMs = wakeMs;
    this.at(delayMs, () => {
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
        const connection = this.#network.dialled(gateway, output.address, output.session);
        if (connection !== undefined) this.#break(connection, "hung up");
        break;
      }
      case "frame":
        this.#sendDown(gateway, output.stream, output.bytes);
        break;
      case "end-stream": {
        const connection = this.#network.accepted(gateway, output.stream);
        if (connection !== undefined) this.#break(connection, output.error.message);
        break;
      }
      case "moved":
        this.#options.observer?.joined(gateway, output.section, this.nowMs);
        break;
      case "event":
        this.events.push({ gateway: gateway.name, event: output.event });
        break;
    }
  }

  #dial(dialer: SimGateway, address: string, session: number): void {
    const target = this.#byAddress.get(address);
    if (target === undefined) throw new Error(`nobody is at ${address}`);
    const connection = this.#network.dial(dialer, address, session, target);
    if (!target.alive) this.at(1, () => this.#break(connection, "connection refused"));
  }

  #break(connection: Connection, error: string): void {
    if (!this.#network.close(connection)) return;
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
      target.core.ended(stream);
    });
  }

  #sendUp(gateway: SimGateway, address: string, session: number, request: object): void {
    const connection = this.#network.dialled(gateway, address, session);
    if (connection === undefined) return;
    const bytes = toBinary(SyncRequestSchema, create(SyncRequestSchema, request));
    this.traffic.requests++;
    this.traffic.requestBytes += bytes.length;
    const { target, stream } = connection;
    this.#network.up(connection, () => {
      try {
        target.core.requested(stream, fromBinary(SyncRequestSchema, bytes), target.now(this.nowMs));
      } catch (error) {
        this.#break(connection, String(error));
      }
      this.#carryOut(target);
    });
  }

  #sendDown(gateway: SimGateway, stream: number, bytes: Uint8Array): void {
    const connection = this.#network.accepted(gateway, stream);
    if (connection === undefined) return;
    const frame = fromBinary(SyncResponseSchema, bytes);
    this.#count(frame, bytes.length);
    const { dialer, address, session } = connection;
    this.#network.down(connection, () => {
      spoil(frame, this.#options.bug, dialer.now(this.nowMs).ageMs);
      dialer.core.received(address, session, frame, dialer.now(this.nowMs));
      this.#carryOut(dialer);
    });
  }

  #count({ chunks }: SyncResponse, bytes: number): void {
    const { traffic } = this;
    traffic.frames++;
    traffic.bytes += bytes;
    if (chunks.length === 0) return;
    traffic.newsFrames++;
    traffic.newsBytes += bytes;
    traffic.chunks += chunks.length;
  }

  /** One way, with jitter; half a millisecond inside of a region. */
  #latencyMs(from: SimGateway, to: SimGateway): number {
    if (from.region === to.region) return 0.5 + this.random.next();
    const ends = [from, to].map(({ region }) => this.#places.get(region) ?? 0) as [number, number];
    const { oneWayMs } = this.#options;
    return oneWayMs?.(...ends) ?? 20 * Math.abs(ends[0] - ends[1]) + this.random.next() * 10;
  }
}
