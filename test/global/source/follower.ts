import { RegionSource, type RegionSourceOptions } from "../../../global/source/source.js";
import type { SourceTiming } from "../../../global/source/timing.js";
import type { SourceEvent, SourceOutput } from "../../../global/source/types.js";
import { fromUtf8 } from "../../../shared/bytes.js";
import { systemClock } from "../../../shared/clock.js";
import { EtcdClient } from "../../../shared/etcd/client.js";
import { createLogger } from "../../../shared/log.js";

/** As fast as a test wants it. */
export const QUICK: SourceTiming = {
  lineageMs: 40,
  confirmMs: 20,
  nudgeMs: 10,
  stallMs: 300,
  callTimeoutMs: 1_000,
  retryMinMs: 5,
  retryMaxMs: 50,
};

/** A source with a memory of what it said, for tests to look at and wait on. */
export class SourceFollower {
  readonly source: RegionSource;
  readonly outputs: SourceOutput[] = [];
  /** What was said, applied. */
  readonly state = new Map<string, string>();
  /** The first read of the newest generation is over. */
  isWhole = false;
  resets = 0;
  revision = 0;
  readonly #client: EtcdClient;
  readonly #waiting = new Set<() => void>();

  constructor(endpoints: readonly string[], options: Partial<RegionSourceOptions> = {}) {
    this.#client = new EtcdClient({ endpoints });
    this.source = new RegionSource({
      client: this.#client,
      gateway: "g0",
      clock: systemClock,
      log: createLogger("silent", {}),
      timing: QUICK,
      ...options,
      onOutput: (output) => {
        this.#take(output);
        options.onOutput?.(output);
      },
    });
    this.source.start();
  }

  /** Resolves when a condition holds; looked at after each output and now and then. */
  async until(condition: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!condition()) {
      if (performance.now() > deadline) {
        throw new Error(`never: ${what}; the source is ${JSON.stringify(this.source.status)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 10);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Resolves when the source is live and has said everything up to a revision. */
  async reaches(revision: number): Promise<void> {
    await this.until(() => this.isWhole && this.revision >= revision, `revision ${revision}`);
  }

  async stop(): Promise<void> {
    await this.source.stop();
    this.#client.close();
  }

  #take(output: SourceOutput): void {
    this.outputs.push(output);
    switch (output.kind) {
      case "reset":
        this.state.clear();
        this.isWhole = false;
        this.resets++;
        break;
      case "load":
        for (const record of output.records) this.#apply(record);
        if (output.scan === 0 && output.done) this.isWhole = true;
        this.revision = output.revision;
        break;
      case "batch":
        for (const event of output.events) this.#apply(event);
        this.revision = output.revision;
        break;
      case "confirmed":
      case "lineage":
        break;
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #apply({ key, value }: SourceEvent): void {
    if (value === undefined) this.state.delete(key);
    else this.state.set(key, fromUtf8(value));
  }
}
