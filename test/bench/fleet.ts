import { utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { get, put, txn } from "../../shared/etcd/kv.js";
import { type Random, seededRandom } from "../../shared/random.js";

/** What the fleet's records are and how they change. */
export interface FleetOptions {
  readonly machines: number;
  readonly apps: number;
  /** Records that change in a second; each is written by itself. */
  readonly changesPerSecond: number;
}

export const FLEET_DEFINITION = `name: fleet
prefix: /machines/
groupBy: [value.app]
measures:
  machines: count()
  spare: sum(value.cpu_free)
  hosts: distinct(value.host)
  latency: quantiles(value.p99_ms)
`;

/** Operations of one transaction, as etcd allows by default. */
const LOAD_BATCH = 100;
/** Transactions or puts that are under way at once. */
const IN_FLIGHT = 32;
const SLICE_MS = 10;

/** The record that was written last: who has it by the order of revisions has all. */
export interface LastWrite {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

/**
 * Machines in a store: about 130 bytes each, spread evenly over apps. A change draws
 * another machine's free cores and p99 anew, and moves one in ten to another host.
 */
export class Fleet {
  readonly #client: EtcdClient;
  readonly #options: FleetOptions;
  readonly #random: Random = seededRandom(2_026);
  readonly #hosts: number[];
  #last: LastWrite = { key: "", value: "", revision: 0 };

  constructor(endpoints: readonly string[], options: FleetOptions) {
    this.#client = new EtcdClient({ endpoints });
    this.#options = options;
    this.#hosts = Array.from({ length: options.machines }, () => this.#anyHost());
  }

  /** The mean length of a record's value, in bytes. */
  get recordBytes(): number {
    const sample = Array.from({ length: 1_000 }, (_, n) => this.#record(n).length);
    return sample.reduce((sum, length) => sum + length, 0) / sample.length;
  }

  #anyHost(): number {
    return this.#random.int(this.#options.machines / 4);
  }

  #key(machine: number): string {
    return `/machines/m-${String(machine).padStart(6, "0")}`;
  }

  #record(machine: number): string {
    const app = String(machine % this.#options.apps).padStart(4, "0");
    const host = String(this.#hosts[machine]).padStart(5, "0");
    // The sum of a few even draws is near enough to how latencies are spread.
    const spread = this.#random.next() + this.#random.next() + this.#random.next();
    return JSON.stringify({
      app: `app-${app}`,
      host: `host-${host}`,
      status: "healthy",
      cpu_free: this.#random.int(65),
      mem_free_mb: this.#random.int(65_536),
      p99_ms: Math.round(50 * Math.exp(spread - 1.5)) / 5,
      version: "2026.11.2",
    });
  }

  async put(key: string, value: string): Promise<void> {
    const { revision } = await put(this.#client, key, value);
    if (revision > this.#last.revision) this.#last = { key, value, revision };
  }

  /** Writes all records. */
  async load(say: (done: number) => void): Promise<LastWrite> {
    const { machines } = this.#options;
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < machines) {
        const first = next;
        next = Math.min(machines, first + LOAD_BATCH);
        const batch = Array.from({ length: next - first }, (_, i) => first + i);
        const success = batch.map((machine) => ({
          request: {
            case: "requestPut" as const,
            value: { key: utf8(this.#key(machine)), value: utf8(this.#record(machine)) },
          },
        }));
        await txn(this.#client, { success });
        say(next);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    await this.put(this.#key(0), this.#record(0));
    return this.#last;
  }

  /** Changes records evenly over a time; resolves when all are acknowledged. */
  async change(seconds: number): Promise<LastWrite & { readonly changes: number }> {
    const { machines, changesPerSecond } = this.#options;
    const total = Math.round(changesPerSecond * seconds);
    const beganMs = performance.now();
    let begun = 0;
    const work = async (): Promise<void> => {
      while (begun < total) {
        const dueMs = beganMs + (begun * 1_000) / changesPerSecond;
        begun++;
        while (performance.now() < dueMs) {
          await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
        }
        const machine = this.#random.int(machines);
        if (this.#random.int(10) === 0) this.#hosts[machine] = this.#anyHost();
        await this.put(this.#key(machine), this.#record(machine));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    // Which of the puts under way came last is the store's to say; one more is the last for sure.
    await this.put(this.#key(0), this.#record(0));
    return { ...this.#last, changes: total + 1 };
  }

  close(): void {
    this.#client.close();
  }
}

/** Resolves when another store has what was written last. */
export async function untilHolds(
  endpoints: readonly string[],
  last: LastWrite,
  timeoutMs: number,
): Promise<void> {
  const client = new EtcdClient({ endpoints });
  const giveUpAt = performance.now() + timeoutMs;
  try {
    for (;;) {
      const { kv } = await get(client, last.key);
      if (kv !== undefined && new TextDecoder().decode(kv.value) === last.value) return;
      if (performance.now() > giveUpAt)
        throw new Error(`${last.key} didn't come in ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    client.close();
  }
}
