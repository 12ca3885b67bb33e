import type { GlobalState } from "../../../global/digest/global-state.js";
import { AgeClock } from "../../../global/mesh/age-clock.js";
import type { MeshCore } from "../../../global/mesh/core/mesh-core.js";
import type { Now } from "../../../global/mesh/core/now.js";
import type { Instant } from "../../../global/source/types.js";
import type { SaveTime } from "../../../global/storage/core/keeper.js";
import type { Random } from "../../../shared/random.js";
import { MemoryDisk } from "../storage/memory-disk.js";
import type { FakeRegion } from "./fake-region.js";
import type { Bug } from "./planted-bugs.js";
import { SimMachine } from "./sim-machine.js";

/** A gateway's machine with clocks of its own, and what survives restarts. */
export class SimGateway {
  readonly region: FakeRegion;
  readonly name: string;
  readonly address: string;
  readonly machine: SimMachine;
  /** What it keeps of its view over restarts. */
  readonly disk = new MemoryDisk();
  readonly #ages: AgeClock;
  readonly #bug: Bug | undefined;
  core!: MeshCore;
  state!: GlobalState;
  /** Begins when its mesh says so; undefined where its region has nothing to tell. */
  source: { start(): void } | undefined;
  alive = false;
  life = 0;
  /** Its watch brings nothing, though reads are answered. */
  watchStalled = false;
  /** The etcd member that it reads from is cut off from its own cluster, at this revision. */
  isolatedAt: number | undefined;
  /** Paused process or sleeping machine: until then nothing of it runs. */
  frozenUntilMs = 0;
  /** When its mesh is next to be asked what it would send; of a later one it needs no news. */
  wakeMs = 0;

  constructor(region: FakeRegion, name: string, random: Random, bug: Bug | undefined) {
    this.region = region;
    this.name = name;
    this.address = `${name}:1`;
    this.#bug = bug;
    this.machine = new SimMachine(random, bug === "drift" ? 0.05 : undefined);
    this.#ages = new AgeClock(this.machine);
  }

  /** Whether it runs at a time of the world's. */
  runs(worldMs: number): boolean {
    return this.alive && worldMs >= this.frozenUntilMs;
  }

  now(worldMs: number): Now {
    this.machine.tell(worldMs);
    const now = this.#ages.now();
    return this.#bug === "monotonic-age" ? { ...now, ageMs: now.monotonicMs } : now;
  }

  /** An instant of the machine's clocks and the age clock, as a view is saved and taken back at. */
  saveTime(worldMs: number): SaveTime {
    const { ageMs: ageNowMs } = this.now(worldMs);
    const { machine } = this;
    const [bootMs, monotonicMs, wallMs] =
      this.#bug === "restart-age"
        ? [0, 0, 0]
        : [machine.bootMs(), machine.monotonicMs(), machine.wallMs()];
    return { reading: { bootId: this.name, bootMs, monotonicMs, wallMs }, ageNowMs };
  }

  /** An instant of both its clocks. */
  instant(worldMs: number): Instant {
    this.machine.tell(worldMs);
    return { monotonicMs: this.machine.monotonicMs(), wallMs: this.machine.wallMs() };
  }

  /** An earlier instant on the clock that ages are kept on. */
  at(instant: Instant, worldMs: number): number {
    this.machine.tell(worldMs);
    return this.#bug === "monotonic-age" ? instant.monotonicMs : this.#ages.at(instant);
  }
}
