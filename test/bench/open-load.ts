import { setTimeout as delay } from "node:timers/promises";
import { fromUtf8, prefixEnd, utf8 } from "../../shared/bytes.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { deleteRange, put, range } from "../../shared/etcd/kv.js";

const PREFIX = "open-load/";
/** Pause between two puts, whatever became of the former ones. */
const EVERY_MS = 5;
const TIMEOUT_MS = 5_000;

/** A put that was acknowledged; times of the process's clock. */
export interface Ack {
  readonly beganMs: number;
  readonly endedMs: number;
}

/**
 * An open load on a group of members: one more put every few milliseconds, to each member in
 * turn, by clients that go on to the next member when one can't be reached. So the time without
 * an acknowledgement is that of the group, not of clients that still wait.
 */
export class OpenLoad {
  readonly acks: Ack[] = [];
  failed = 0;
  readonly #clients: EtcdClient[];
  /** Keys of acknowledged puts, each put once, and their values. */
  readonly #acknowledged = new Map<string, number>();
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  constructor(endpoints: readonly string[]) {
    this.#clients = endpoints.map((_, i) => {
      const rotated = [...endpoints.slice(i), ...endpoints.slice(0, i)];
      return new EtcdClient({ endpoints: rotated, timeoutMs: TIMEOUT_MS });
    });
    this.#timer = setInterval(() => this.#begin(), EVERY_MS);
  }

  #begin(): void {
    const call = this.#put(this.#next++);
    this.#open.add(call);
    void call.finally(() => this.#open.delete(call));
  }

  async #put(number: number): Promise<void> {
    const client = this.#clients[number % this.#clients.length] as EtcdClient;
    const key = `${PREFIX}${number}`;
    const beganMs = performance.now();
    try {
      await put(client, key, String(number));
      this.acks.push({ beganMs, endedMs: performance.now() });
      this.#acknowledged.set(key, number);
    } catch {
      // Nobody was told that it is there; whether it is doesn't matter.
      this.failed++;
    }
  }

  /** The first put begun after a moment to be acknowledged. Rejects when there is none for long. */
  async firstAfter(beganMs: number): Promise<Ack> {
    const giveUpAt = performance.now() + 30_000;
    for (let at = this.acks.length; ; ) {
      for (; at < this.acks.length; at++) {
        const ack = this.acks[at] as Ack;
        if (ack.beganMs >= beganMs) return ack;
      }
      if (performance.now() > giveUpAt) throw new Error("nothing is acknowledged for 30 s");
      await delay(1);
    }
  }

  /** The longest time between two acknowledgements that ended in a span of time. */
  longestPause(fromMs: number, toMs: number): number {
    const ends = this.acks.map(({ endedMs }) => endedMs).filter((ms) => ms >= fromMs && ms <= toMs);
    let longest = 0;
    let last = fromMs;
    for (const end of [...ends.sort((a, b) => a - b), toMs]) {
      longest = Math.max(longest, end - last);
      last = end;
    }
    return longest;
  }

  /** Ends the load when the open puts have ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    for (const client of this.#clients) client.close();
  }

  /** Throws unless everything that was acknowledged can be read; deletes it afterwards. */
  async check(endpoints: readonly string[]): Promise<void> {
    const client = new EtcdClient({ endpoints });
    const end = prefixEnd(utf8(PREFIX));
    try {
      const { kvs } = await range(client, { key: PREFIX, end }, { timeoutMs: 30_000 });
      const found = new Map(kvs.map(({ key, value }) => [fromUtf8(key), fromUtf8(value)]));
      const lost = [...this.#acknowledged].filter(([key, n]) => found.get(key) !== String(n));
      if (lost.length > 0) {
        throw new Error(`${lost.length} acknowledged puts are lost, ${String(lost[0]?.[0])} first`);
      }
      await deleteRange(client, PREFIX, { end, timeoutMs: 30_000 });
    } finally {
      client.close();
    }
  }
}
