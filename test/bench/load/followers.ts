import {
  DeliveryReader,
  type Dialect,
  subscriptionPath,
  subscriptionRequest,
} from "./deliveries.js";
import { monotonicMs } from "./monotonic.js";
import { StreamConnection } from "./stream-connection.js";

/** Connections that are made at once. */
const CONNECT_AT_ONCE = 50;

/** What the followers of one process are to do. */
export interface FollowJob {
  readonly dialect: Dialect;
  /** host:port */
  readonly target: string;
  readonly subscribers: number;
  readonly groups: number;
  /** The puts of the load have the numbers from this one on. */
  readonly firstPut: number;
  readonly puts: number;
}

/** What came of it. */
export interface Followed {
  /** Groups' updates that reached a subscriber. */
  readonly deliveries: number;
  readonly messages: number;
  /** All that came off the connections since the load began. */
  readonly bytes: number;
  /** On the machine's monotonic clock: when the last subscriber had the last state. */
  readonly endedMs: number;
  /** For each kind of moment asked for: ms from each put's to each subscriber with its group's state. */
  readonly latenciesMs: readonly Float32Array[];
}

/**
 * Subscribers that follow a load, each with a connection of its own: for each of them
 * and each put, when it had the group's state of that put or a later one.
 */
export class Followers {
  readonly #job: FollowJob;
  readonly #reader: DeliveryReader;
  readonly #connections: StreamConnection[] = [];
  /** By subscriber and put: ms since `#originMs`. */
  readonly #arrivals: Float32Array;
  /** By subscriber and group: the highest number that it had. */
  readonly #newest: Int32Array;
  readonly #originMs = monotonicMs();
  readonly #onProgress: () => void;
  #standing = 0;
  /** Pairs of a subscriber and a group whose last state is still to come. */
  #missing: number;
  #deliveries = 0;
  #messages = 0;
  #bytesBefore = 0;
  #endedMs = 0;
  #failure: string | undefined;

  /** `onProgress` is called when all stand, when all have all, and when something fails. */
  constructor(job: FollowJob, onProgress: () => void) {
    this.#job = job;
    this.#onProgress = onProgress;
    this.#reader = new DeliveryReader(job.dialect);
    this.#arrivals = new Float32Array(job.subscribers * job.puts);
    this.#newest = new Int32Array(job.subscribers * job.groups).fill(job.firstPut - 1);
    this.#missing = job.subscribers * Math.min(job.groups, job.puts);
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Every subscription stands. */
  get stand(): boolean {
    return this.#standing === this.#job.subscribers;
  }

  /** Every subscriber has the last state of all groups. */
  get haveAll(): boolean {
    return this.#missing === 0;
  }

  /** Connects and subscribes. */
  async open(): Promise<void> {
    const { dialect, target, subscribers } = this.#job;
    const path = subscriptionPath(dialect);
    const request = subscriptionRequest(dialect);
    const openOne = async (subscriber: number): Promise<void> => {
      let stands = false;
      const onMessage = (message: Buffer): void => {
        const delivered = this.#reader.read(message);
        if (delivered.puts.length > 0) this.#take(subscriber, delivered.puts);
        if (!delivered.stands || stands) return;
        stands = true;
        this.#standing++;
        if (this.stand) this.#onProgress();
      };
      const onEnd = (reason: string): void => this.#fail(`subscriber ${subscriber}: ${reason}`);
      // A watch ends with its requests; a subscription has one.
      const halfClose = dialect === "atoll";
      const call = { target, path, request, halfClose, onMessage, onEnd };
      this.#connections.push(await StreamConnection.open(call));
    };
    for (let first = 0; first < subscribers; first += CONNECT_AT_ONCE) {
      const count = Math.min(CONNECT_AT_ONCE, subscribers - first);
      await Promise.all(Array.from({ length: count }, (_, i) => openOne(first + i)));
    }
  }

  /** Counts from now on. */
  begin(): void {
    this.#bytesBefore = this.#bytes;
    this.#deliveries = 0;
    this.#messages = 0;
  }

  /**
   * What came. Each of `sinceMs` has a moment of each put on the machine's monotonic
   * clock, such as its answer, from which latencies are to be told; NaN leaves a put out.
   */
  end(sinceMs: readonly Float64Array[]): Followed {
    return {
      deliveries: this.#deliveries,
      messages: this.#messages,
      bytes: this.#bytes - this.#bytesBefore,
      endedMs: this.#endedMs,
      latenciesMs: sinceMs.map((moments) => this.#latencies(moments)),
    };
  }

  #latencies(momentsMs: Float64Array): Float32Array {
    const { puts } = this.#job;
    return this.#arrivals
      .map((arrivedMs, index) => arrivedMs + this.#originMs - (momentsMs[index % puts] as number))
      .filter((latencyMs) => !Number.isNaN(latencyMs));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  get #bytes(): number {
    return this.#connections.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#onProgress();
  }

  #take(subscriber: number, numbers: readonly number[]): void {
    const { groups, firstPut, puts } = this.#job;
    const nowMs = monotonicMs();
    const arrivedMs = nowMs - this.#originMs;
    this.#messages++;
    for (const number of numbers) {
      if (number < firstPut) continue;
      this.#deliveries++;
      const at = subscriber * groups + (number % groups);
      const before = this.#newest[at] as number;
      if (number <= before) continue;
      // A later state of a group stands for those that were left out.
      for (let put = number; put > before && put >= firstPut; put -= groups) {
        this.#arrivals[subscriber * puts + put - firstPut] = arrivedMs;
      }
      this.#newest[at] = number;
      if (number < firstPut + puts - groups) continue;
      this.#missing--;
      if (this.#missing > 0) continue;
      this.#endedMs = nowMs;
      this.#onProgress();
    }
  }
}
