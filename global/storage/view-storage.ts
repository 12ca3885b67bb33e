import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../shared/clock.js";
import { AtollError, errorText } from "../../shared/errors.js";
import {
  STORAGE_INTERVAL_MS,
  STORAGE_MAX_FAILURES,
  STORAGE_RETRY_MAX_MS,
  STORAGE_RETRY_MIN_MS,
  STORAGE_TIME_SHARE,
} from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { Registry } from "../../shared/metrics.js";
import type { StorageStatus } from "../api/view-source.js";
import type { GlobalState } from "../digest/global-state.js";
import type { FreshnessBook } from "../view/freshness-book.js";
import type { ClockReading } from "./core/clock-reading.js";
import { Keeper, type SaveTime } from "./core/keeper.js";
import { type Restored, Restorer } from "./core/restorer.js";
import type { KeptSource } from "./core/row-values.js";
import { DataFolder } from "./data-folder.js";
import { StorageMetrics } from "./metrics.js";
import { Pacer } from "./pacer.js";
import { StorageThread } from "./storage-thread.js";

export interface ViewStorageInput {
  readonly path: string;
  /** The gateway's own region. */
  readonly region: string;
  readonly state: GlobalState;
  readonly freshness: FreshnessBook;
  readonly source: () => KeptSource | undefined;
  /** Told of what was taken back: at the start, or once the directory can be used. */
  readonly onRestored: (restored: Restored) => void;
  readonly clock: Clock;
  readonly ageNowMs: () => number;
  readonly bootClock: () => ClockReading;
  readonly registry: Registry;
  readonly log: Logger;
}

/**
 * Keeps a gateway's view on disk, behind its back: nothing waits for it but an operator's
 * order, and no trouble of the disk ends the gateway or what it serves. What is found
 * damaged is set aside and written anew from what is in memory.
 */
export class ViewStorage {
  readonly #input: ViewStorageInput;
  readonly #keeper: Keeper;
  readonly #thread = new StorageThread();
  readonly #metrics: StorageMetrics;
  readonly #pacer = new Pacer();
  #folder: DataFolder | undefined;
  #isOpen = false;
  /** What is in the file is known: it was read, or it is new. */
  #isKnown = false;
  #failures = 0;
  #error = "";
  #bytes = 0;
  #savedAtMs: number | undefined;
  #restored: Restored | undefined;
  #hasSetAside = false;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(input: ViewStorageInput) {
    this.#input = input;
    this.#keeper = new Keeper(input);
    this.#metrics = new StorageMetrics(input.registry, () => this.status);
  }

  get status(): StorageStatus {
    const saved = this.#savedAtMs;
    return {
      path: this.#input.path,
      error: this.#error,
      savedAgoMs: saved === undefined ? undefined : this.#input.clock.monotonicMs() - saved,
      bytes: this.#bytes,
      restored: this.#restored?.sections ?? 0,
      dropped: this.#restored?.dropped.length ?? 0,
    };
  }

  /**
   * Takes back what was kept. Throws FAILED_PRECONDITION when the directory is another
   * process's, or another region's; any other trouble is logged, and tried again later.
   */
  async load(): Promise<Restored | undefined> {
    try {
      await this.#open();
    } catch (error) {
      const refused = AtollError.from(error);
      if (refused.code === "FAILED_PRECONDITION") {
        await this.#close();
        throw refused;
      }
      await this.#troubled(refused);
    }
    return this.#restored;
  }

  /**
   * Takes back what the file has, which may as well be later than the start. Tells why
   * there may be more in it that can't be read.
   */
  async #takeBack(): Promise<string | undefined> {
    const begunMs = this.#input.clock.monotonicMs();
    const { restored, lost } = await this.#restore();
    this.#isKnown = true;
    this.#restored = restored;
    const { sections, groups, dropped } = restored;
    for (const { what, reason } of dropped) {
      this.#input.log.warn({ what, reason }, "of the stored view this was not taken back");
    }
    this.#metrics.restored(sections, dropped.length);
    const ms = Math.round(this.#input.clock.monotonicMs() - begunMs);
    this.#input.log.info({ sections, groups, dropped: dropped.length, ms }, "the view is back");
    this.#input.onRestored(restored);
    return lost;
  }

  /** Begins to save what is new, again and again. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves once all that is known now is on disk, or couldn't be brought there in time. */
  async saveNow(withinMs: number): Promise<void> {
    const limit = new AbortController();
    const timeout = sleep(withinMs, undefined, { signal: limit.signal }).catch(() => {});
    await Promise.race([this.#pacer.next(), timeout]);
    limit.abort();
  }

  /** Saves what is new, and ends. Safe to call again. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#pacer.wake();
    await this.#running;
    await this.#close();
  }

  async #close(): Promise<void> {
    await this.#thread.shut().catch(() => {});
    await this.#thread.end();
    this.#folder?.close();
  }

  async #run(): Promise<void> {
    let pauseMs = STORAGE_INTERVAL_MS;
    for (;;) {
      if (!this.#isStopping) await this.#pacer.pause(pauseMs);
      const isLast = this.#isStopping;
      this.#pacer.begin();
      const busyMs = await this.#save();
      this.#pacer.done();
      if (isLast) return;
      pauseMs = Math.max(STORAGE_INTERVAL_MS, busyMs * (STORAGE_TIME_SHARE - 1));
      if (this.#error !== "") {
        const doubled = STORAGE_RETRY_MIN_MS * 2 ** Math.min(this.#failures, 10);
        pauseMs = Math.max(pauseMs, Math.min(doubled, STORAGE_RETRY_MAX_MS));
      }
    }
  }

  /** Milliseconds of the main thread that it took. */
  async #save(): Promise<number> {
    const { clock } = this.#input;
    const begunMs = clock.monotonicMs();
    let busyMs = 0;
    let rows = 0;
    try {
      await this.#open();
      const steps = this.#keeper.save(this.#time());
      for (;;) {
        const stepMs = clock.monotonicMs();
        const { done, value: step } = steps.next();
        busyMs += clock.monotonicMs() - stepMs;
        if (done === true) break;
        rows += step.rows;
        this.#bytes = (await this.#thread.write(step.packed, step.committed !== undefined)).bytes;
        step.committed?.();
      }
    } catch (error) {
      await this.#troubled(AtollError.from(error));
      return busyMs;
    }
    this.#savedAtMs = begunMs;
    this.#metrics.saved(rows, (clock.monotonicMs() - begunMs) / 1000, busyMs / 1000);
    if (this.#error !== "") this.#input.log.info("the view is saved again");
    this.#error = "";
    this.#failures = 0;
    this.#hasSetAside = false;
    return busyMs;
  }

  #time(): SaveTime {
    // The machine's clocks first: what passes in between only makes ages larger.
    return { reading: this.#input.bootClock(), ageNowMs: this.#input.ageNowMs() };
  }

  /** Opens the folder and the file where they aren't; a useless file is set aside. */
  async #open(): Promise<void> {
    if (this.#isOpen) return;
    this.#folder ??= DataFolder.open(this.#input.path);
    const { view } = this.#folder;
    try {
      await this.#thread.open(view, this.#input.region);
    } catch (error) {
      const found = AtollError.from(error);
      if (found.code !== "DATA_LOSS") throw found;
      await this.#beginAnew(found.message);
      await this.#thread.open(view, this.#input.region);
    }
    this.#isOpen = true;
    if (this.#isKnown) return;
    const lost = await this.#takeBack();
    if (lost === undefined || this.#isStopping) return;
    await this.#beginAnew(lost);
    await this.#thread.open(view, this.#input.region);
  }

  async #restore(): Promise<{ restored: Restored; lost: string | undefined }> {
    const { state, freshness, ageNowMs, bootClock } = this.#input;
    // The age clock first: what passes in between only makes ages larger.
    const now = ageNowMs();
    const time = { ageNowMs: now, reading: bootClock() };
    const { ledger } = this.#keeper;
    const restorer = new Restorer({ state, freshness, ledger, time });
    for (let piece = this.#piece(); ; ) {
      const { packed, lost } = await piece;
      if (packed !== null) {
        // The next one is read while this one is taken.
        piece = this.#piece();
        restorer.take(packed);
        continue;
      }
      return { restored: restorer.finish(lost), lost };
    }
  }

  /** One more piece of the rows. */
  async #piece(): ReturnType<StorageThread["load"]> {
    try {
      return await this.#thread.load();
    } catch (error) {
      return { kind: "rows", packed: null, lost: errorText(error) };
    }
  }

  /** Notes a failure; sets aside what is no use any more. Throws nothing. */
  async #troubled(trouble: AtollError): Promise<void> {
    const { log } = this.#input;
    this.#failures++;
    this.#metrics.failed();
    if (this.#error !== trouble.message) {
      this.#error = trouble.message;
      log.error({ code: trouble.code, error: trouble.message }, "the view isn't saved");
    }
    if (trouble.code === "RESOURCE_EXHAUSTED") {
      await this.#thread.rollBack().catch(() => {});
      return;
    }
    // Nobody knows what such a connection would do next.
    this.#isOpen = false;
    await this.#thread.shut().catch(() => {});
    if (this.#isStopping) return;
    const isUseless = trouble.code === "DATA_LOSS" || this.#failures >= STORAGE_MAX_FAILURES;
    if (!isUseless || this.#folder === undefined || this.#hasSetAside) return;
    await this.#beginAnew(trouble.message).catch((failure: unknown) => {
      log.error({ error: errorText(failure) }, "the stored view can't be set aside");
    });
  }

  /** Sets the file aside; all of the view is to be written again. */
  async #beginAnew(reason: string): Promise<void> {
    await this.#thread.shut();
    const aside = this.#folder?.setAside();
    this.#hasSetAside = true;
    this.#isKnown = true;
    this.#keeper.ledger.clear();
    this.#metrics.setAside();
    this.#input.log.error({ reason, aside }, "the stored view is damaged and was set aside");
  }
}
