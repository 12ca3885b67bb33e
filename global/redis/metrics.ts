import { Counter, Histogram, type Registry, registerGauges } from "../../shared/metrics.js";
import type { MirrorStatus } from "../api/view-source.js";
import type { Outcome } from "./core/unit.js";

/** Why all units are looked at anew. */
export type ResyncCause = "connected" | "data lost" | "node joined";

const PREFIX = "atoll_global_redis_";
const STEP_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** The mirror's metrics. */
export class MirrorMetrics {
  readonly #steps: Counter;
  readonly #seconds: Histogram;
  readonly #failures: Counter;
  readonly #resyncs: Counter;
  readonly #outages: Counter;

  constructor(registry: Registry, status: () => MirrorStatus) {
    const registers = [registry];
    this.#steps = new Counter({
      name: `${PREFIX}steps_total`,
      help: "Looks at units and writes of units, by what came of them",
      labelNames: ["kind", "outcome"],
      registers,
    });
    this.#seconds = new Histogram({
      name: `${PREFIX}step_seconds`,
      help: "Time that they took",
      labelNames: ["kind"],
      buckets: STEP_SECONDS,
      registers,
    });
    this.#failures = new Counter({
      name: `${PREFIX}failures_total`,
      help: "Steps that Redis has refused or not answered",
      registers,
    });
    this.#resyncs = new Counter({
      name: `${PREFIX}resyncs_total`,
      help: "Times that every unit was looked at anew, by cause",
      labelNames: ["cause"],
      registers,
    });
    this.#outages = new Counter({
      name: `${PREFIX}outages_total`,
      help: "Times that the connection was lost",
      registers,
    });
    registerGauges(registry, PREFIX, [
      ["connected", "1 while Redis is connected", () => Number(status().isConnected)],
      ["units", "Sections and merged summaries that are mirrored", () => status().units],
      [
        "lag_seconds",
        "Age of the oldest change that isn't in Redis yet",
        () => status().lagMs / 1_000,
      ],
    ]);
  }

  stepped(kind: string, outcome: Outcome, ms: number): void {
    this.#steps.inc({ kind, outcome });
    this.#seconds.observe({ kind }, ms / 1_000);
  }

  failed(): void {
    this.#failures.inc();
  }

  resynced(cause: ResyncCause): void {
    this.#resyncs.inc({ cause });
  }

  lost(): void {
    this.#outages.inc();
  }
}
