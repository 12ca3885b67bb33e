import { Deferred } from "../../shared/deferred.js";
import type { AtollError } from "../../shared/errors.js";
import { NO_LEADER_WAIT_MS, READ_RETRY_MS, REQUEST_TIMEOUT_MS } from "../../shared/limits.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";

/** Reads that came within so long of each other while none could start share one promise. */
const COALESCE_MS = 20;

/** Reads that wait together; they share one promise. */
interface Batch {
  readonly startMs: number;
  readonly deferred: Deferred<void>;
  leaderChanged: boolean;
}

interface Round {
  readonly context: Uint8Array;
  readonly sentMs: number;
  readonly batches: readonly Batch[];
}

/** Batches whose round is confirmed, waiting for the state to be applied through `index`. */
interface Confirmed {
  readonly index: number;
  readonly batches: readonly Batch[];
}

/** What reads need of the raft node. */
export interface ReadSource {
  /** RawNode.readIndex: false when no leader is known. */
  readIndex(context: Uint8Array): boolean;
  /** Index through which the state is applied. */
  readonly applied: number;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * Linearizable reads: all reads that wait share one ReadIndex round, and the next round
 * begins when the former has been answered. Each attempt has a context of its own, so a
 * late answer is never taken for a later round's (etcd#20418). A round that is lost with
 * a leader is begun anew with the next one, since reads have no effect.
 */
export class LinearizableReads {
  readonly #source: ReadSource;
  readonly #contextBase: number;
  readonly #onWaiting: () => void;
  #attempts = 0;
  #waiting: Batch[] = [];
  #round: Round | undefined;
  readonly #confirmed: Confirmed[] = [];
  #failed: AtollError | undefined;
  /** Rounds answered since the start. */
  rounds = 0;
  /** Reads asked for since the start. */
  reads = 0;

  /**
   * @param contextBase a random integer below 2^32, so that no answer to a former life of
   *   this member fits
   * @param onWaiting asks for `start` to be called at the end of this turn
   */
  constructor(source: ReadSource, contextBase: number, onWaiting: () => void) {
    this.#source = source;
    this.#contextBase = contextBase;
    this.#onWaiting = onWaiting;
  }

  /** Resolves when state that is fresh enough for a read asked for now is applied. */
  join(nowMs: number): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    this.reads++;
    const last = this.#waiting.at(-1);
    if (last !== undefined && nowMs - last.startMs < COALESCE_MS) return last.deferred.promise;
    const batch: Batch = { startMs: nowMs, deferred: new Deferred(), leaderChanged: false };
    this.#waiting.push(batch);
    if (this.#round === undefined) this.#onWaiting();
    return batch.deferred.promise;
  }

  /** Begins a round if reads wait and none is under way. True if it has. */
  start(nowMs: number): boolean {
    if (this.#round !== undefined || this.#waiting.length === 0) return false;
    const batches = this.#waiting;
    const context = this.#nextContext();
    if (!this.#source.readIndex(context)) return false;
    this.#waiting = [];
    this.#round = { context, sentMs: nowMs, batches };
    return true;
  }

  /** A ReadState came out of raft. True if it ended the round under way. */
  confirm(index: number, context: Uint8Array): boolean {
    const round = this.#round;
    if (round === undefined || !sameBytes(round.context, context)) return false;
    this.#round = undefined;
    this.rounds++;
    if (index <= this.#source.applied) resolveAll(round.batches);
    else this.#confirmed.push({ index, batches: round.batches });
    return true;
  }

  /** The state is applied through `index` now. */
  applied(index: number): void {
    // Rounds are confirmed one after the other, so their indexes only rise.
    while (this.#confirmed.length > 0 && (this.#confirmed[0] as Confirmed).index <= index) {
      resolveAll((this.#confirmed.shift() as Confirmed).batches);
    }
  }

  /** The leader is another one, or gone: the round under way will not be answered. */
  leaderChanged(): void {
    const round = this.#round;
    if (round !== undefined) {
      this.#round = undefined;
      this.#waiting = [...round.batches, ...this.#waiting];
    }
    for (const batch of this.#waiting) batch.leaderChanged = true;
    if (this.#waiting.length > 0) this.#onWaiting();
  }

  /** Fails what waited too long and begins a lost round anew; called with each tick. */
  tick(nowMs: number, hasLeader: boolean): void {
    const round = this.#round;
    if (round !== undefined && nowMs - round.sentMs >= READ_RETRY_MS) {
      this.#round = undefined;
      this.#waiting = [...round.batches, ...this.#waiting];
    }
    const limitMs = hasLeader ? REQUEST_TIMEOUT_MS : NO_LEADER_WAIT_MS;
    const expired = this.#waiting.filter((batch) => nowMs - batch.startMs >= limitMs);
    if (expired.length > 0) {
      this.#waiting = this.#waiting.filter((batch) => nowMs - batch.startMs < limitMs);
      for (const batch of expired) {
        const { noLeader, leaderChanged, timeout } = ETCD_ERRORS;
        const late = batch.leaderChanged ? leaderChanged : timeout;
        batch.deferred.reject(etcdError(hasLeader ? late : noLeader));
      }
    }
    while (nowMs - (this.#confirmed[0]?.batches[0]?.startMs ?? nowMs) >= REQUEST_TIMEOUT_MS) {
      for (const batch of this.#confirmed.shift()?.batches ?? []) {
        batch.deferred.reject(etcdError(ETCD_ERRORS.timeout));
      }
    }
    if (this.#round === undefined && this.#waiting.length > 0) this.#onWaiting();
  }

  /** Fails everything that waits and all that comes later; the member stops. */
  stop(error: AtollError): void {
    this.#failed = error;
    const batches = [
      ...this.#waiting,
      ...(this.#round?.batches ?? []),
      ...this.#confirmed.flatMap((confirmed) => confirmed.batches),
    ];
    this.#waiting = [];
    this.#round = undefined;
    this.#confirmed.length = 0;
    for (const batch of batches) batch.deferred.reject(error);
  }

  #nextContext(): Uint8Array {
    const context = new Uint8Array(8);
    const view = new DataView(context.buffer);
    view.setUint32(0, this.#contextBase);
    view.setUint32(4, this.#attempts++);
    return context;
  }
}

function resolveAll(batches: readonly Batch[]): void {
  for (const batch of batches) batch.deferred.resolve();
}
