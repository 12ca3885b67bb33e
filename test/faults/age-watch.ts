import { EtcdClient } from "../../shared/etcd/client.js";
import { put } from "../../shared/etcd/kv.js";
import { GlobalService } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";

const PAUSE_MS = 20;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/** A write that its region has acknowledged. */
interface Acknowledged {
  readonly n: number;
  readonly atMs: number;
}

/**
 * Holds every age that a gateway states against the truth: it writes a rising number
 * into one region and reads it from another region's gateway all the while. An answer
 * that says "at most A old" must have every number that was acknowledged A before the
 * answer was asked for.
 */
export class AgeWatch {
  /** Answers that said less than the truth. */
  readonly understated: string[] = [];
  /** The smallest age that was stated. */
  leastAgeMs = Number.POSITIVE_INFINITY;
  /** Answers with an age. */
  answers = 0;
  readonly #region: string;
  readonly #writer: EtcdClient;
  readonly #reader: RpcClient;
  readonly #written: Acknowledged[] = [];
  #isOver = false;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(region: string, endpoints: readonly string[], gateway: string) {
    this.#region = region;
    this.#writer = new EtcdClient({ endpoints });
    this.#reader = new RpcClient(gateway);
  }

  start(): void {
    this.#ended = Promise.all([this.#write(), this.#read()]);
    this.#ended.catch(() => {}); // `stop` tells
  }

  async #write(): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      const value = JSON.stringify({ app: "age-watch", status: "healthy", cpu_free: n });
      await put(this.#writer, "/machines/age-watch", value);
      this.#written.push({ n, atMs: performance.now() });
      await pause();
    }
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      await this.#look();
      await pause();
    }
  }

  async #look(): Promise<void> {
    const askedMs = performance.now();
    const answer = await this.#reader.unary(GlobalService.method.get, {
      summary: "machines",
      regions: [this.#region],
      groups: { keys: ['["age-watch"]'] },
    });
    const ageMs = answer.regions[0]?.maxAgeMs;
    if (ageMs === undefined) return;
    this.answers++;
    this.leastAgeMs = Math.min(this.leastAgeMs, ageMs);
    const sum = answer.groups[0]?.cells[1]?.value;
    const seen = sum?.case === "sum" ? sum.value.value : 0;
    const due = this.#written.findLast(({ atMs }) => atMs < askedMs - ageMs)?.n ?? 0;
    if (seen < due) this.understated.push(`${seen} instead of ${due} at an age of ${ageMs} ms`);
  }

  /** Resolves when the last number that was acknowledged is known. */
  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#ended;
    this.#writer.close();
    this.#reader.close();
    return this.#written.at(-1)?.n ?? 0;
  }
}
