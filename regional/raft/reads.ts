import type { Message } from "./message.js";
import type { AckLookup } from "./quorum.js";

const CONTEXT_BYTES = 8;
const WORD = 0x1_0000_0000;

/** A round's number as the context of its heartbeats: 8 bytes, big-endian. */
export function encodeRound(round: number): Uint8Array {
  const bytes = new Uint8Array(CONTEXT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(round / WORD));
  view.setUint32(4, round % WORD);
  return bytes;
}

/** The number of a round; 0 if the context is not one. */
export function decodeRound(context: Uint8Array | null): number {
  if (context === null || context.length !== CONTEXT_BYTES) return 0;
  const view = new DataView(context.buffer, context.byteOffset, CONTEXT_BYTES);
  return view.getUint32(0) * WORD + view.getUint32(4);
}

/** A read that waits for its round. */
export interface PendingRead {
  readonly request: Message;
  /** The commit index when the request was taken. */
  readonly index: number;
  readonly round: number;
}

/**
 * The leader's rounds of heartbeats that confirm it still leads (dissertation §6.4).
 *
 * Rounds are numbered; a number is never used twice by a node in one term, and answers of
 * other terms are never looked at, so an answer can only be to the round it names. It
 * confirms all earlier rounds too. The callers' contexts never travel in heartbeats: two
 * equal ones could take a late answer to the first for an answer to the second (the stale
 * reads of etcd#20418).
 *
 * For leases, a round remembers the tick at which it began; see leaseStart().
 */
export class ReadRounds implements AckLookup {
  #last = 0;
  /** The round whose heartbeats have not been handed out yet, which new requests may join. */
  #open = 0;
  #pending: PendingRead[] = [];
  /** The latest round that each node has answered. */
  readonly #acked = new Map<number, number>();
  /** Rounds not confirmed yet and the ticks at which they began, oldest first. */
  #begun: { readonly round: number; readonly tick: number }[] = [];
  #leaseStart = Number.NEGATIVE_INFINITY;

  ackedIndex(id: number): number {
    return this.#acked.get(id) ?? 0;
  }

  /** The latest round that reads wait for; 0 if none waits. */
  get waiting(): number {
    return this.#pending.at(-1)?.round ?? 0;
  }

  /** The tick at which the latest confirmed round began. */
  get leaseStart(): number {
    return this.#leaseStart;
  }

  /** Begins a round, which `self` answers at once. `tick` only matters for leases. */
  begin(self: number, tick: number): number {
    this.#last++;
    this.#acked.set(self, this.#last);
    this.#begun.push({ round: this.#last, tick });
    this.#open = this.#last;
    return this.#last;
  }

  /** The round that has begun but whose heartbeats nobody has seen yet; 0 if none. */
  get open(): number {
    return this.#open;
  }

  /** The heartbeats of the open round are being sent. */
  seal(): void {
    this.#open = 0;
  }

  add(request: Message, index: number, round: number): void {
    this.#pending.push({ request, index, round });
  }

  /** `id` answered `round`. Numbers that were never given out are ignored. */
  ack(id: number, round: number): void {
    if (round > this.#last || round <= this.ackedIndex(id)) return;
    this.#acked.set(id, round);
  }

  /** A quorum has answered `round`: returns the reads that waited for it. */
  confirm(round: number): readonly PendingRead[] {
    let begun = this.#begun[0];
    while (begun !== undefined && begun.round <= round) {
      this.#leaseStart = begun.tick;
      this.#begun.shift();
      begun = this.#begun[0];
    }
    let count = 0;
    for (const read of this.#pending) {
      if (read.round > round) break;
      count++;
    }
    return count === 0 ? [] : this.#pending.splice(0, count);
  }

  /** Forgets everything but the numbers used; a term has ended. */
  reset(): void {
    this.#open = 0;
    this.#pending = [];
    this.#acked.clear();
    this.#begun = [];
    this.#leaseStart = Number.NEGATIVE_INFINITY;
  }
}
