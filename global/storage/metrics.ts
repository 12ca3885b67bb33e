import { Counter, Gauge, Histogram, type Registry } from "../../shared/metrics.js";
import type { StorageStatus } from "../api/view-source.js";

const PREFIX = "atoll_global_storage_";
const SAVE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** The storage's metrics. */
export class StorageMetrics {
  readonly #rows: Counter;
  readonly #seconds: Histogram;
  readonly #busy: Counter;
  readonly #failures: Counter;
  readonly #setAside: Counter;
  readonly #restored: Gauge;
  readonly #dropped: Gauge;

  constructor(registry: Registry, status: () => StorageStatus) {
    const registers = [registry];
    const counter = (name: string, help: string): Counter =>
      new Counter({ name: PREFIX + name, help, registers });
    this.#rows = counter("rows_written_total", "Rows that were written or removed");
    this.#busy = counter("main_seconds_total", "Time that the main thread spent on saving");
    this.#failures = counter("failures_total", "Saves that failed");
    this.#setAside = counter("files_set_aside_total", "Damaged files that were set aside");
    this.#seconds = new Histogram({
      name: `${PREFIX}save_seconds`,
      help: "Time from a save's beginning to its last commit",
      buckets: SAVE_SECONDS,
      registers,
    });
    const gauge = (name: string, help: string): Gauge =>
      new Gauge({ name: PREFIX + name, help, registers });
    this.#restored = gauge("restored_sections", "Sections that were taken back at the start");
    this.#dropped = gauge("dropped_rows", "Sections and others that were not, at the start");
    const read: readonly [string, string, () => number | undefined][] = [
      ["up", "1 while saving works", () => Number(status().error === "")],
      ["file_bytes", "Bytes of the file", () => status().bytes],
      [
        "lag_seconds",
        "Time since all that was new was on disk; absent before the first time",
        () => {
          const { savedAgoMs } = status();
          return savedAgoMs === undefined ? undefined : savedAgoMs / 1_000;
        },
      ],
    ];
    for (const [name, help, value] of read) {
      new Gauge({
        name: PREFIX + name,
        help,
        registers,
        collect() {
          const now = value();
          if (now !== undefined) this.set(now);
        },
      });
    }
  }

  restored(sections: number, dropped: number): void {
    this.#restored.set(sections);
    this.#dropped.set(dropped);
  }

  saved(rows: number, seconds: number, busySeconds: number): void {
    this.#rows.inc(rows);
    this.#seconds.observe(seconds);
    this.#busy.inc(busySeconds);
  }

  failed(): void {
    this.#failures.inc();
  }

  setAside(): void {
    this.#setAside.inc();
  }
}
