import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fromBinaryKey } from "../../shared/bytes.js";
import type { Clock } from "../../shared/clock.js";
import { AtollError, type Code } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import { EtcdWatch } from "../../shared/etcd/watch.js";
import type { Logger } from "../../shared/log.js";
import { Complaint } from "./complaint.js";
import type { SourceCore } from "./core.js";
import { FirstReadLog } from "./first-read-log.js";
import { trustsProgressRequests } from "./progress.js";
import type { KeyRange } from "./scan.js";
import {
  type Access,
  checkCluster,
  countKeys,
  readPage,
  readRevision,
  serverVersion,
  writeLineage,
} from "./store.js";
import type { SourceTiming } from "./timing.js";
import type { Instant, KnownSource } from "./types.js";

export interface SessionOptions {
  readonly client: EtcdClient;
  readonly core: SourceCore;
  readonly range: KeyRange;
  readonly gateway: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing: SourceTiming;
  /** Cluster that every answer must come from. */
  readonly clusterId: string;
  /** Says what the core has to say. */
  readonly emit: () => void;
  /** Resolves when what was said before is nearly all taken. */
  readonly taken: () => Promise<void>;
  readonly remembered: () => KnownSource | undefined;
  /** Takes up certificates and passwords that were replaced. */
  readonly refreshAccess: () => void;
}

/** Checks in a row that must find the watch behind before it is given up. */
const STALL_CHECKS = 3;
/** Calls in a row that must fail before that is said. */
const PATIENCE = 3;

/**
 * One connection to a region: a watch at one member, and beside it the reads of pages,
 * the reads that confirm freshness, and the lineage key's heartbeat. The first of
 * these that fails for good ends them all.
 */
export class Session {
  readonly endpoint: string;
  readonly #options: SessionOptions;
  readonly #watch: EtcdWatch;
  readonly #abort = new AbortController();
  #failure: unknown;
  #trustsProgress = false;
  #isEmitDue = false;
  readonly #unconfirmed: Complaint;
  readonly #unwritten: Complaint;
  #wakePages: () => void = () => {};
  #wakeWatch: () => void = () => {};
  /** Mod revision of the newest lineage record seen, and when that was. */
  #lineageRevision = 0;
  #lineageSeenMs = Number.NEGATIVE_INFINITY;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { client, core, range, log, clock } = options;
    const complaint = { log, clock, patience: PATIENCE };
    this.#unconfirmed = new Complaint({
      ...complaint,
      failing: "reads that confirm how fresh the region's part is fail",
      mended: "reads confirm again how fresh the region's part is",
    });
    this.#unwritten = new Complaint({
      ...complaint,
      failing: "can't write the lineage key",
      mended: "the lineage key can be written again",
    });
    core.restart();
    this.#watch = new EtcdWatch(client, {
      key: fromBinaryKey(range.key),
      end: fromBinaryKey(range.end),
      startRevision: core.position + 1,
    });
    this.endpoint = this.#watch.endpoint;
  }

  /** Runs until something fails, and throws it; or until it is ended, and returns. */
  async run(): Promise<void> {
    const parts = [
      this.#follow(),
      this.#readPages(),
      this.#confirm(),
      this.#keepLineage(),
      this.#nudge(),
    ];
    await Promise.all(parts.map((part) => part.catch((error) => this.end(AtollError.from(error)))));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the session. */
  end(failure?: AtollError): void {
    if (this.#abort.signal.aborted) return;
    this.#failure = failure;
    this.#abort.abort();
    this.#watch.cancel();
    this.#wakePages();
    this.#wakeWatch();
  }

  /** What doesn't work, although the session goes on; undefined when all does. */
  get trouble(): string | undefined {
    return this.#unconfirmed.text ?? this.#unwritten.text;
  }

  /** There may be something to read. */
  wake(): void {
    this.#wakePages();
  }

  get #isOver(): boolean {
    return this.#abort.signal.aborted;
  }

  get #access(): Access {
    const { client, timing, clusterId } = this.#options;
    return { client, clusterId, timeoutMs: timing.callTimeoutMs, signal: this.#abort.signal };
  }

  #now(): Instant {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => {});
  }

  /** The watch. */
  async #follow(): Promise<void> {
    const { core, clock, clusterId, taken } = this.#options;
    while (core.isReadingPast && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wakeWatch = resolve;
      });
    }
    for await (const message of this.#watch) {
      if (this.#isOver) return;
      checkCluster(message.header, clusterId);
      core.message(message, this.#trustsProgress);
      if (core.lineageRevision !== this.#lineageRevision) {
        this.#lineageRevision = core.lineageRevision;
        this.#lineageSeenMs = clock.monotonicMs();
      }
      this.#emitSoon();
      this.#wakePages();
      await taken();
    }
  }

  /** Says what came in this turn of the event loop at once. */
  #emitSoon(): void {
    if (this.#isEmitDue) return;
    this.#isEmitDue = true;
    setImmediate(() => {
      this.#isEmitDue = false;
      this.#options.emit();
    });
  }

  /** The pages that the core asks for, one after the other. */
  async #readPages(): Promise<void> {
    const { core, emit, taken, log, clock } = this.#options;
    const progress = new FirstReadLog(core, log, clock);
    if (core.isFirstRead) void this.#count();
    for (; !this.#isOver; progress.look()) {
      const request = core.request();
      if (request === undefined) {
        await new Promise<void>((resolve) => {
          this.#wakePages = resolve;
          if (this.#isOver) resolve();
        });
        continue;
      }
      await taken();
      if (this.#isOver) return;
      const positionThen = core.position;
      try {
        const page = await readPage(this.#access, request);
        if (this.#isOver) return;
        core.page(request, page, positionThen);
        this.#wakeWatch();
      } catch (error) {
        const canShrink = isFor(error, "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED");
        if (!canShrink || !core.pageTooLarge(request)) throw error;
        // What took too long is asked for again at another member.
        if (isFor(error, "DEADLINE_EXCEEDED")) throw error;
      }
      emit();
    }
  }

  async #count(): Promise<void> {
    const keys = await countKeys(this.#access, this.#options.range);
    if (keys !== undefined && !this.#isOver) this.#options.core.expect(keys);
  }

  /** Linearizable reads that tell how fresh the stream is, and whether it has stalled. */
  async #confirm(): Promise<void> {
    const { core, emit, timing, remembered, refreshAccess } = this.#options;
    let behindSinceMs: number | undefined;
    let checks = 0;
    for (; !this.#isOver; await this.#pause(timing.confirmMs)) {
      const began = this.#now();
      const positionThen = core.position;
      const rememberedThen = remembered();
      try {
        const revision = await readRevision(this.#access);
        if (this.#isOver) return;
        checkRemembered(revision, rememberedThen, core.followed);
        core.confirm(revision, began, positionThen);
        emit();
        this.#unconfirmed.over();
      } catch (error) {
        if (isFor(error, "DATA_LOSS", "ABORTED")) throw error;
        if (this.#isOver) return;
        this.#unconfirmed.failed(AtollError.from(error));
        if (this.#unconfirmed.text !== undefined) refreshAccess();
      }
      const waitsFor = core.waitsFor;
      if (waitsFor === undefined || waitsFor <= positionThen || core.position > positionThen) {
        behindSinceMs = undefined;
        checks = 0;
        continue;
      }
      behindSinceMs ??= began.monotonicMs;
      const behindMs = this.#options.clock.monotonicMs() - behindSinceMs;
      if (++checks >= STALL_CHECKS && behindMs >= timing.stallMs) {
        throw new AtollError(
          "UNAVAILABLE",
          `the watch at ${this.endpoint} stands at revision ${core.position}, but the region is past ${waitsFor}`,
        );
      }
    }
  }

  /** Writes the lineage key when no gateway has for a while. */
  async #keepLineage(): Promise<void> {
    const { timing, clock } = this.#options;
    while (!this.#isOver) {
      // Some jitter, so that of several gateways mostly one tries.
      const jitterMs = (Math.random() * timing.lineageMs) / 4;
      const dueMs = this.#lineageSeenMs + timing.lineageMs + jitterMs - clock.monotonicMs();
      if (dueMs > 0) {
        await this.#pause(dueMs);
        continue;
      }
      this.#lineageSeenMs = clock.monotonicMs();
      await this.#writeLineage();
    }
  }

  async #writeLineage(): Promise<void> {
    const { core, gateway } = this.#options;
    const incarnation = core.followed?.incarnation;
    if (incarnation === undefined) return;
    const next = {
      counter: (core.lineage?.counter ?? 0) + 1,
      nonce: randomBytes(8).toString("hex"),
      gateway,
    };
    try {
      await writeLineage(this.#access, {
        incarnation,
        lineageRevision: core.lineageRevision,
        next,
      });
      this.#unwritten.over();
    } catch (error) {
      if (!this.#isOver) this.#unwritten.failed(AtollError.from(error));
    }
  }

  /**
   * Writes outside of what is watched move the store's revision and not the stream's.
   * Whatever waits for the stream then is helped along.
   */
  async #nudge(): Promise<void> {
    const { core, timing } = this.#options;
    this.#trustsProgress = trustsProgressRequests(await serverVersion(this.#access));
    let waitedFor: number | undefined;
    for (; !this.#isOver; await this.#pause(timing.nudgeMs)) {
      const { waitsFor, position } = core;
      const stillWaits = waitsFor !== undefined && waitsFor > position && waitsFor === waitedFor;
      waitedFor = waitsFor;
      if (!stillWaits) continue;
      if (this.#trustsProgress) this.#watch.requestProgress();
      else await this.#writeLineage();
    }
  }
}

/** A linearizable read can't find less than what somebody knew before it began. */
function checkRemembered(
  revision: number,
  remembered: KnownSource | undefined,
  followed: KnownSource | undefined,
): void {
  if (remembered === undefined || revision >= remembered.revision) return;
  if (remembered.incarnation.nonce !== followed?.incarnation.nonce) return;
  throw new AtollError(
    "DATA_LOSS",
    `a read gave revision ${revision}, but ${remembered.revision} was seen by others`,
  );
}

/** Whether something failed for one of these reasons. */
function isFor(error: unknown, ...codes: readonly Code[]): boolean {
  return error instanceof AtollError && codes.includes(error.code);
}
