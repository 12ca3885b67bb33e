import type { Clock } from "../../shared/clock.js";
import { errorText } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { Registry } from "../../shared/metrics.js";
import type { Random } from "../../shared/random.js";
import type { MirrorStatus, ViewSource } from "../api/view-source.js";
import { Wakeup } from "../api/wakeup.js";
import { addressText, RedisConnection } from "./connection.js";
import { retryPauseMs } from "./core/retry.js";
import { UnitBook } from "./core/unit-book.js";
import { MirrorMetrics, type ResyncCause } from "./metrics.js";
import { MirrorSession, type SessionContext } from "./session.js";
import type { RedisSettings } from "./settings.js";

export interface MirrorOptions {
  readonly settings: RedisSettings;
  readonly source: ViewSource;
  readonly registry: Registry;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Mirrors a gateway's view to Redis. Any number of gateways may write to one Redis: a
 * script refuses what is older than what is there (README.md). Redis may stop, hang or
 * lose its data at any time; the gateway keeps what moved by name only, and writes what
 * there is once Redis is back.
 */
export class RedisMirror {
  readonly #options: MirrorOptions;
  readonly #wakeup = new Wakeup();
  readonly #book: UnitBook;
  readonly #metrics: MirrorMetrics;
  readonly #context: SessionContext;
  readonly #address: string;
  readonly #unlisten: () => void;
  #connection: RedisConnection | undefined;
  #session: MirrorSession | undefined;
  #error = "";
  #isStopped = false;
  #running: Promise<void> | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
    const { source, settings, random, clock } = options;
    const suffix = random.int(2 ** 32).toString(16);
    const writer = `${source.region}/${source.gateway}/${suffix}`;
    this.#address = addressText(settings);
    this.#book = new UnitBook(source.view.state, writer);
    this.#book.noteAll(clock.monotonicMs());
    this.#metrics = new MirrorMetrics(options.registry, () => this.status);
    this.#context = {
      source,
      book: this.#book,
      wakeup: this.#wakeup,
      prefix: settings.prefix,
      writer,
      clock,
      random,
      metrics: this.#metrics,
      failed: (error) => this.#failed(errorText(error)),
      recovered: () => {
        this.#error = "";
      },
      resynced: (cause) => this.#resynced(cause),
    };
    this.#unlisten = source.onChange((change) => {
      this.#book.note(change, clock.monotonicMs());
      this.#wakeup.ring();
    });
  }

  /** Begins; that Redis isn't there is no error. */
  start(): void {
    this.#running ??= this.#run();
  }

  get status(): MirrorStatus {
    return {
      address: this.#address,
      isConnected: this.#connection !== undefined,
      units: this.#book.size,
      lagMs: this.#lagMs(),
      error: this.#error,
    };
  }

  /** Ends the connection; what isn't written yet is left to the other gateways. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unlisten();
    this.#connection?.close();
    this.#wakeup.ring();
    await this.#running;
  }

  #lagMs(): number {
    const since = this.#book.oldestChangeMs();
    return since === undefined ? 0 : this.#options.clock.monotonicMs() - since;
  }

  async #run(): Promise<void> {
    const { settings, random, log } = this.#options;
    let failures = 0;
    while (!this.#isStopped) {
      try {
        const connection = await RedisConnection.open(settings, {
          lost: (reason) => this.#lost(reason),
          nodeJoined: () => this.#session?.resync("node joined"),
        });
        this.#connection = connection;
        // Stopping may have come first, or a loss.
        if (this.#isStopped) connection.close();
        this.#session = new MirrorSession(connection, this.#context);
        log.info({ redis: this.#address }, "connected to Redis");
        await this.#session.run();
        failures = 0;
      } catch (error) {
        this.#failed(errorText(error));
      }
      this.#connection?.close();
      this.#connection = undefined;
      this.#session = undefined;
      if (!this.#isStopped) await this.#pause(retryPauseMs(++failures, random.next()));
    }
  }

  /** Waits, whatever moves in the meantime. */
  async #pause(ms: number): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + ms;
    while (!this.#isStopped && clock.monotonicMs() < untilMs) {
      await this.#wakeup.sleep(untilMs - clock.monotonicMs());
    }
  }

  #lost(reason: string): void {
    if (this.#isStopped || this.#connection === undefined) return;
    this.#metrics.lost();
    this.#failed(`the connection was lost${reason === "" ? "" : `: ${reason}`}`);
    this.#wakeup.ring();
  }

  /** One line for each trouble, however often it comes. */
  #failed(error: string): void {
    if (this.#isStopped || error === this.#error) return;
    this.#error = error;
    this.#options.log.warn(
      { redis: this.#address, reason: error },
      "the Redis mirror is in trouble",
    );
  }

  #resynced(cause: ResyncCause): void {
    this.#error = "";
    this.#metrics.resynced(cause);
    this.#options.log.info({ redis: this.#address, cause }, "looking at all of the Redis mirror");
  }
}
