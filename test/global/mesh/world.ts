import type { Publication } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { ReportBook } from "../../../global/digest/report.js";
import type { Directory } from "../../../global/mesh/core/address-book.js";
import { MeshCore } from "../../../global/mesh/core/mesh-core.js";
import type { MeshEvent } from "../../../global/mesh/core/output.js";
import { FOLD_SEMANTICS } from "../../../global/summary/types.js";
import { sha256 } from "../../../shared/hash.js";
import { MESH_TICK_MS, STORAGE_INTERVAL_MS } from "../../../shared/limits.js";
import { type Random, seededRandom } from "../../../shared/random.js";
import { EventQueue } from "../../simulation/world/event-queue.js";
import { Keeping } from "../storage/memory-disk.js";
import { FakeRegion } from "./fake-region.js";
import type { Bug } from "./planted-bugs.js";
import { SimGateway } from "./sim-gateway.js";
import { SimNetwork } from "./sim-network.js";
import { SimSource } from "./sim-source.js";
import { type Observer, SimWire, type Traffic } from "./sim-wire.js";

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
  /** Regions beyond which there are trees; MESH_DIRECT_REGIONS when absent. */
  readonly directRegions?: number;
  /** Gateways keep their views over restarts, as of a save each second. */
  readonly keepsViews?: boolean;
  /** Pause between two ticks of a gateway's mesh; MESH_TICK_MS when absent. */
  readonly tickMs?: number;
  /** Is told of what is published and what arrives. */
  readonly observer?: Observer;
  /** A mistake that the world's gateways make, to see that it is noticed. */
  readonly bug?: Bug;
}

/** Interval in which each gateway looks up where the others are. */
const LOOKUP_MS = 2_000;

/** Several regions' gateways on a simulated network, replayed by one seed. */
export class World {
  readonly random: Random;
  readonly regions: FakeRegion[] = [];
  readonly gateways: SimGateway[] = [];
  readonly events: { gateway: string; event: MeshEvent }[] = [];
  nowMs = 0;
  readonly #network = new SimNetwork(this, (from, to) => this.#latencyMs(from, to));
  readonly #wire = new SimWire(this, this.#network);
  readonly #byAddress = new Map<string, SimGateway>();
  readonly #places = new Map<FakeRegion, number>();
  /** As everybody comes to know it. Gateways share it, so it is never changed in place. */
  #directory: Directory = new Map();
  readonly #jobs = new EventQueue<() => void>();
  readonly #options: SimOptions;

  constructor(options: SimOptions) {
    this.random = seededRandom(options.seed);
    this.#options = options;
    const directory = new Map<string, string[]>();
    for (let r = 0; r < options.regions; r++) {
      const region = this.#found(options.names?.[r] ?? `r${r}`);
      const gateways = Array.from({ length: options.gatewaysPerRegion }, () => this.#hire(region));
      directory.set(
        region.name,
        gateways.map(({ address }) => address),
      );
    }
    this.#directory = directory;
  }

  get traffic(): Traffic {
    return this.#wire.traffic;
  }

  get observer(): Observer | undefined {
    return this.#options.observer;
  }

  get bug(): Bug | undefined {
    return this.#options.bug;
  }

  gatewayAt(address: string): SimGateway {
    const gateway = this.#byAddress.get(address);
    if (gateway === undefined) throw new Error(`nobody is at ${address}`);
    return gateway;
  }

  #found(name: string): FakeRegion {
    const number = this.#places.size + 1;
    const region = new FakeRegion(name, number, this.#options.summaries, this.#options.groups);
    this.regions.push(region);
    this.#places.set(region, number - 1);
    return region;
  }

  /** A gateway with a name and an address that no other ever had. */
  #hire(region: FakeRegion): SimGateway {
    const number = [...this.#byAddress.values()].filter((other) => other.region === region).length;
    const name = `${region.name}-g${number}`;
    const gateway = new SimGateway(region, name, this.random, this.#options.bug);
    this.gateways.push(gateway);
    this.#byAddress.set(gateway.address, gateway);
    return gateway;
  }

  /** A further gateway of a region starts; the others hear of it within a while. */
  join(region: FakeRegion): SimGateway {
    const gateway = this.#hire(region);
    this.#list(region, [...(this.#directory.get(region.name) ?? []), gateway.address]);
    this.start(gateway);
    return gateway;
  }

  /** A gateway leaves for good: the others hear that it is none any more, and it stops in `inMs`. */
  leave(gateway: SimGateway, inMs: number): void {
    const { region, address } = gateway;
    const addresses = this.#directory.get(region.name) ?? [];
    this.#list(
      region,
      addresses.filter((other) => other !== address),
    );
    this.gateways.splice(this.gateways.indexOf(gateway), 1);
    this.at(inMs, () => {
      if (gateway.alive) this.stop(gateway);
    });
  }

  /** A new region with one gateway; the others hear of it within a while. */
  settle(name: string): FakeRegion {
    const region = this.#found(name);
    this.join(region);
    return region;
  }

  /** An operator removes a region for good, by one gateway; the region itself goes on. */
  forget({ name, incarnation }: FakeRegion, by: SimGateway): void {
    const { counter } = incarnation;
    const nobody = { signature: new Uint8Array(0), keyId: "" };
    by.core.obey({ kind: "forget", region: name, counter, nonce: "", serial: 1, ...nobody });
    this.carryOut(by);
    this.regions.splice(
      this.regions.findIndex((region) => region.name === name),
      1,
    );
  }

  /** What DNS says of a region from now on; each gateway looks it up within its interval. */
  #list(region: FakeRegion, addresses: readonly string[]): void {
    this.#directory = new Map([...this.#directory, [region.name, addresses]]);
    for (const gateway of this.gateways) {
      if (gateway.alive)
        this.#later(gateway, this.random.int(LOOKUP_MS), () => this.#look(gateway));
    }
  }

  #look(gateway: SimGateway): void {
    gateway.core.readdress(this.#directory, gateway.now(this.nowMs));
    this.carryOut(gateway);
  }

  /** Runs something in a gateway's own time: after it thaws, never after it died. */
  #later(gateway: SimGateway, delayMs: number, run: () => void): void {
    const { life } = gateway;
    this.at(Math.max(delayMs, gateway.frozenUntilMs - this.nowMs), () => {
      if (!gateway.alive || gateway.life !== life) return;
      // It may have been frozen since.
      if (gateway.runs(this.nowMs)) run();
      else this.#later(gateway, 0, run);
    });
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
    gateway.life++;
    gateway.alive = true;
    gateway.frozenUntilMs = 0;
    gateway.wakeMs = 0;
    gateway.machine.tell(this.nowMs);
    gateway.machine.wake();
    const keeping = new Keeping(new GlobalState(sha256));
    gateway.state = keeping.state;
    const { directRegions } = this.#options;
    gateway.core = new MeshCore({
      region: gateway.region.name,
      gateway: gateway.name,
      foldSemantics: FOLD_SEMANTICS,
      directory: this.#directory,
      state: gateway.state,
      freshness: keeping.freshness,
      reports: new ReportBook(),
      random: seededRandom(this.random.int(2 ** 31)),
      ...(directRegions === undefined ? {} : { directRegions }),
    });
    const later = (delayMs: number, run: () => void): void => this.#later(gateway, delayMs, run);
    const tick = (): void => {
      gateway.core.tick(gateway.now(this.nowMs));
      this.carryOut(gateway);
      later(this.#options.tickMs ?? MESH_TICK_MS, tick);
    };
    later(this.random.int(100), tick);
    if (this.#options.keepsViews === true) this.#keep(gateway, keeping, later);
    const place = this.#places.get(gateway.region) ?? 0;
    const isQuiet = this.#options.isQuiet?.(place) === true;
    gateway.source = isQuiet ? undefined : this.#sourceOf(gateway, later);
  }

  /** Takes back what a gateway has kept, and has it save again and again. */
  #keep(
    gateway: SimGateway,
    keeping: Keeping,
    later: (delayMs: number, run: () => void) => void,
  ): void {
    const { dropped } = keeping.restore(gateway.disk.rows, gateway.saveTime(this.nowMs));
    if (dropped.length > 0) throw new Error(`restore: ${JSON.stringify(dropped)}`);
    const save = (): void => {
      gateway.disk.save(keeping.keeper, gateway.saveTime(this.nowMs));
      later(STORAGE_INTERVAL_MS, save);
    };
    later(this.random.int(STORAGE_INTERVAL_MS), save);
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
          else if (outcome.kind !== "known" && !isForgotten(outcome))
            throw new Error(`publish: ${JSON.stringify(outcome)}`);
        }
        const { observer } = this.#options;
        observer?.published(region.name, region.revision, this.nowMs);
        this.carryOut(gateway);
      },
      confirmed: (revision: number, asOfMs: number): void => {
        core.confirmed(region.incarnation, revision, asOfMs);
        this.carryOut(gateway);
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
    for (const connection of ends) this.#wire.break(connection, "the process is gone");
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
    for (const connection of between) this.#wire.break(connection, "reset");
  }

  /** Has a gateway's mesh say what is to be done now, and does it. */
  carryOut(gateway: SimGateway): void {
    for (;;) {
      const outputs = gateway.core.take(gateway.now(this.nowMs));
      if (outputs.length === 0) break;
      for (const output of outputs) this.#wire.perform(gateway, output);
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
      if (gateway.runs(this.nowMs) && gateway.life === life) this.carryOut(gateway);
    });
  }

  /** One way, with jitter; half a millisecond inside of a region. */
  #latencyMs(from: SimGateway, to: SimGateway): number {
    if (from.region === to.region) return 0.5 + this.random.next();
    const ends = [from, to].map(({ region }) => this.#places.get(region) ?? 0) as [number, number];
    const { oneWayMs } = this.#options;
    return oneWayMs?.(...ends) ?? 20 * Math.abs(ends[0] - ends[1]) + this.random.next() * 10;
  }
}

/** An operator has removed the region that publishes. */
function isForgotten(outcome: { readonly kind: string; readonly reason?: string }): boolean {
  return outcome.kind === "refused" && outcome.reason === "forgotten";
}
