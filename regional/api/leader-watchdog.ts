import type { RegionalNode } from "../node.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";

/** Checks in a row that find no leader before streams are ended; etcd's number. */
const MISSED_CHECKS = 3;

/**
 * Ends the streams of callers that want a leader once the member has had none for a while,
 * so that they go to a member that has one (etcd `v3rpc/interceptor.go`, monitorLeader).
 * The timer runs only while there are such streams.
 */
export class LeaderWatchdog {
  readonly #node: Pick<RegionalNode, "hasLeader">;
  readonly #intervalMs: number;
  readonly #waiting = new Set<(error: Error) => void>();
  #timer: NodeJS.Timeout | undefined;
  #missed = 0;

  /** `intervalMs`: the election timeout. */
  constructor(node: Pick<RegionalNode, "hasLeader">, intervalMs: number) {
    this.#node = node;
    this.#intervalMs = intervalMs;
  }

  /** Calls `onLost` once when the leader stays away; gives a function that ends that. */
  watch(onLost: (error: Error) => void): () => void {
    this.#waiting.add(onLost);
    this.#timer ??= setInterval(() => this.#check(), this.#intervalMs).unref();
    return () => {
      this.#waiting.delete(onLost);
      if (this.#waiting.size === 0) this.#stop();
    };
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#missed = 0;
  }

  #check(): void {
    this.#missed = this.#node.hasLeader ? 0 : this.#missed + 1;
    if (this.#missed < MISSED_CHECKS) return;
    const lost = [...this.#waiting];
    this.#waiting.clear();
    this.#stop();
    for (const onLost of lost) onLost(etcdError(ETCD_ERRORS.noLeader));
  }
}
