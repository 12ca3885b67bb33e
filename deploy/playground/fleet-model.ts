import type { Random } from "../../shared/random.js";

/** A machine's record, as the fleet writes it under `/machines/APP/NAME`. */
export interface Machine {
  app: string;
  host: string;
  status: "healthy" | "degraded";
  cpu_free: number;
  p99_ms: number;
}

/** One write to a region. */
export type FleetWrite =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly key: string };

export const FLEET_PREFIX = "/machines/";

const APPS = ["api", "web", "worker", "billing", "search"] as const;
const HOSTS = 12;
const FEWEST = 20;
const MOST = 60;

/**
 * Machines of several apps that register, change their health and leave; a pure
 * function of its source of randomness.
 */
export class FleetModel {
  readonly #region: string;
  readonly #random: Random;
  readonly #machines = new Map<string, Machine>();
  #registered = 0;

  constructor(region: string, random: Random) {
    this.#region = region;
    this.#random = random;
  }

  /** Machines that are registered now. */
  get size(): number {
    return this.#machines.size;
  }

  /** The next thing that happens in this region. */
  next(): FleetWrite {
    const mayLeave = this.size > FEWEST;
    const mayJoin = this.size < MOST;
    const roll = this.#random.next();
    if (!mayLeave || (mayJoin && roll < 0.25)) return this.#register();
    if (roll > 0.8) return this.#leave();
    return this.#change();
  }

  #write(key: string, machine: Machine): FleetWrite {
    this.#machines.set(key, machine);
    return { kind: "put", key, value: JSON.stringify(machine) };
  }

  #register(): FleetWrite {
    const app = this.#random.pick(APPS);
    const name = `${app}-${this.#registered++}`;
    return this.#write(`${FLEET_PREFIX}${app}/${name}`, {
      app,
      host: `${this.#region}-host-${this.#random.int(HOSTS)}`,
      status: this.#random.chance(0.9) ? "healthy" : "degraded",
      cpu_free: this.#random.int(32),
      p99_ms: 5 + this.#random.int(95),
    });
  }

  #leave(): FleetWrite {
    const key = this.#random.pick([...this.#machines.keys()]);
    this.#machines.delete(key);
    return { kind: "delete", key };
  }

  #change(): FleetWrite {
    const [key, machine] = this.#random.pick([...this.#machines]);
    return this.#write(key, {
      ...machine,
      status: this.#random.chance(0.8) ? "healthy" : "degraded",
      cpu_free: this.#random.int(32),
      p99_ms: 5 + this.#random.int(95),
    });
  }
}
