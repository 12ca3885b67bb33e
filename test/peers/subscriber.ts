import { cellNumber } from "../../shared/cell-number.js";
import { AtollError } from "../../shared/errors.js";
import {
  GlobalService,
  type Notice,
  type RegionFreshness,
  type SubscribeResponse,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";

const DEFAULT_WAIT_MS = 30_000;
const RETRY_MS = 50;
const NOT_YET: ReadonlySet<string> = new Set(["UNAVAILABLE", "NOT_FOUND"]);

/** A consumer that follows one summary and keeps what it was told, as a test sees it. */
export class Subscriber {
  /** Each group's cells in measure order, by its only value (or its whole key). */
  readonly groups = new Map<string, (number | undefined)[]>();
  readonly regions = new Map<string, RegionFreshness>();
  readonly notices: Notice[] = [];
  /** Where it stands. */
  resumeToken: Uint8Array = new Uint8Array(0);
  complete = false;
  readonly #client: RpcClient;
  readonly #listeners = new Set<() => void>();
  readonly #abort = new AbortController();
  #began = false;
  #failure: unknown;

  constructor(address: string, summary: string, resumeToken: Uint8Array = new Uint8Array(0)) {
    this.#client = new RpcClient(address);
    void this.#run(summary, resumeToken);
  }

  async #run(summary: string, resumeToken: Uint8Array): Promise<void> {
    const giveUpAt = Date.now() + DEFAULT_WAIT_MS;
    for (;;) {
      try {
        await this.#follow(summary, resumeToken);
        this.#failure = new Error("the gateway ended the stream");
        break;
      } catch (error) {
        // A summary that was just applied may not have reached the gateway yet.
        const mayCome = error instanceof AtollError && NOT_YET.has(error.code) && !this.#began;
        if (!mayCome || this.#abort.signal.aborted || Date.now() > giveUpAt) {
          this.#failure = error;
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    for (const listener of this.#listeners) listener();
  }

  async #follow(summary: string, resumeToken: Uint8Array): Promise<void> {
    const request = { summaries: [summary], resumeToken, tokenInUpdates: true };
    const stream = this.#client.serverStream(GlobalService.method.subscribe, request, {
      signal: this.#abort.signal,
    });
    for await (const message of stream) {
      this.#began = true;
      this.#take(message);
      for (const listener of this.#listeners) listener();
    }
  }

  #take({ event }: SubscribeResponse): void {
    if (event.case === "update") {
      const update = event.value;
      if (update.reset) this.groups.clear();
      for (const group of update.groups)
        this.groups.set(nameOf(group.key), group.cells.map(cellNumber));
      for (const key of update.removed) this.groups.delete(nameOf(key));
      for (const region of update.regions) this.regions.set(region.region, region);
      if (update.resumeToken.length > 0) this.resumeToken = Uint8Array.from(update.resumeToken);
    } else if (event.case === "heartbeat") {
      for (const region of event.value.regions) this.regions.set(region.region, region);
      this.resumeToken = Uint8Array.from(event.value.resumeToken);
      this.complete = event.value.complete;
    } else if (event.case === "notice") {
      this.notices.push(event.value);
    }
  }

  /** Resolves when `isSo` holds; rejects when the stream fails, or with what it has after `timeoutMs`. */
  async until(
    isSo: (subscriber: this) => boolean,
    timeoutMs: number = DEFAULT_WAIT_MS,
  ): Promise<void> {
    if (isSo(this)) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (error?: unknown): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (isSo(this)) finish();
        else if (this.#failure !== undefined) finish(this.#failure);
      };
      const timer = setTimeout(() => {
        const have = JSON.stringify([...this.groups]);
        finish(new Error(`not so after ${timeoutMs} ms; the subscriber has ${have}`));
      }, timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }

  close(): void {
    this.#abort.abort();
    this.#client.close();
  }
}

function nameOf(key: string): string {
  const values: unknown = JSON.parse(key);
  return Array.isArray(values) && values.length === 1 ? String(values[0]) : key;
}
