import type { Clock } from "../../shared/clock.js";
import { errorText } from "../../shared/errors.js";
import { sha256 } from "../../shared/hash.js";
import {
  MIRROR_EPOCH_INTERVAL_MS,
  MIRROR_SWEEP_MS,
  MIRROR_UNITS_IN_FLIGHT,
} from "../../shared/limits.js";
import type { Random } from "../../shared/random.js";
import type { ViewSource } from "../api/view-source.js";
import type { Wakeup } from "../api/wakeup.js";
import type { Links } from "../view/view.js";
import type { RedisConnection } from "./connection.js";
import { decide } from "./core/decide.js";
import { metaFields } from "./core/fields.js";
import { type Target, targetOf } from "./core/target.js";
import {
  beginWrite,
  type Plan,
  type Reply,
  takeFailure,
  takeReply,
  type Unit,
} from "./core/unit.js";
import type { UnitBook } from "./core/unit-book.js";
import { IndexKeeper } from "./index-keeper.js";
import type { MirrorMetrics, ResyncCause } from "./metrics.js";
import { UnitWriter } from "./unit-writer.js";

/** What a session works with; the mirror keeps all of it from one session to the next. */
export interface SessionContext {
  readonly source: ViewSource;
  readonly book: UnitBook;
  /** Rung when something moved. */
  readonly wakeup: Wakeup;
  readonly prefix: string;
  /** This process's name among all writers. */
  readonly writer: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: MirrorMetrics;
  /** A step has failed; the connection may be well. */
  readonly failed: (error: unknown) => void;
  /** No unit fails any more. */
  readonly recovered: () => void;
  readonly resynced: (cause: ResyncCause) => void;
}

/** The work on one connection: units that are due are stepped, some at a time. */
export class MirrorSession {
  readonly #context: SessionContext;
  readonly #connection: RedisConnection;
  readonly #writer: UnitWriter;
  readonly #index: IndexKeeper;
  /** Units whose last step has failed. */
  readonly #failing = new Set<Unit>();
  #epoch: string | undefined;
  #epochMs = Number.NEGATIVE_INFINITY;
  #isCheckingEpoch = false;
  #inFlight = 0;

  constructor(connection: RedisConnection, context: SessionContext) {
    this.#context = context;
    this.#connection = connection;
    this.#writer = new UnitWriter(connection, context.prefix, context.writer);
    this.#index = new IndexKeeper(connection, context.prefix);
  }

  /** Works until the connection is over. Rejects where Redis can't be begun with. */
  async run(): Promise<void> {
    const { source, book, wakeup, clock } = this.#context;
    this.#epoch = await this.#readEpoch();
    this.resync("connected");
    for await (const name of this.#index.names()) book.adopt(name, clock.monotonicMs());
    while (!this.#connection.isLost) {
      const nowMs = clock.monotonicMs();
      if (nowMs - this.#epochMs >= MIRROR_EPOCH_INTERVAL_MS) void this.#checkEpoch(nowMs);
      const { units, nextMs } = book.due(nowMs, MIRROR_UNITS_IN_FLIGHT - this.#inFlight);
      const links = source.links();
      for (const unit of units) this.#step(unit, links);
      await wakeup.sleep(nextMs - clock.monotonicMs());
    }
    while (this.#inFlight > 0) await wakeup.sleep(MIRROR_SWEEP_MS);
  }

  /** Looks at every unit anew. */
  resync(cause: ResyncCause): void {
    const { book, clock, resynced, wakeup } = this.#context;
    book.forgetStored(clock.monotonicMs());
    resynced(cause);
    wakeup.ring();
  }

  #readEpoch(): Promise<string> {
    return this.#index.epoch(String(this.#context.random.next()).slice(2));
  }

  async #checkEpoch(nowMs: number): Promise<void> {
    if (this.#isCheckingEpoch) return;
    this.#isCheckingEpoch = true;
    this.#epochMs = nowMs;
    try {
      const epoch = await this.#readEpoch();
      if (epoch !== this.#epoch) {
        this.#epoch = epoch;
        this.resync("data lost");
      }
    } catch (error) {
      this.#context.failed(error);
    } finally {
      this.#isCheckingEpoch = false;
    }
  }

  #step(unit: Unit, links: Links): void {
    const { source, book, writer, clock } = this.#context;
    const { view } = source;
    const nowMs = clock.monotonicMs();
    const target = targetOf(view, unit.id, links);
    if (target === undefined) {
      // Known from the index alone; the view may come to know it.
      unit.notedMs = undefined;
      unit.dueMs = nowMs + book.refreshMs;
      return;
    }
    const plan = decide(unit, target, {
      nowMs,
      writer,
      refreshMs: book.refreshMs,
      state: view.state,
      hash: sha256,
    });
    if (plan.kind === "idle" && isListedRight(unit, target)) return;
    this.#inFlight++;
    unit.busy = true;
    void this.#carryOut(unit, target, links, plan).finally(() => {
      this.#inFlight--;
      unit.busy = false;
      book.again(unit);
      this.#context.wakeup.ring();
    });
  }

  async #carryOut(unit: Unit, target: Target, links: Links, plan: Plan): Promise<void> {
    const { clock, metrics, random, failed, recovered } = this.#context;
    const startMs = clock.monotonicMs();
    try {
      if (plan.kind === "idle") {
        await this.#list(unit, target);
      } else {
        const reply = await this.#send(unit, target, links, plan);
        const endMs = clock.monotonicMs();
        metrics.stepped(plan.kind, reply.outcome, endMs - startMs);
        takeReply(unit, reply, endMs);
      }
      if (this.#failing.delete(unit) && this.#failing.size === 0) recovered();
    } catch (error) {
      metrics.failed();
      this.#failing.add(unit);
      takeFailure(unit, clock.monotonicMs(), random.next());
      failed(new Error(`${unit.name}: ${errorText(error)}`, { cause: error }));
    }
  }

  #send(
    unit: Unit,
    target: Target,
    links: Links,
    plan: Exclude<Plan, { kind: "idle" }>,
  ): Promise<Reply> {
    if (plan.kind === "look") return this.#writer.look(unit.name);
    const { source, clock } = this.#context;
    const now = { nowMs: source.nowMs(), wallMs: clock.wallMs() };
    const fields = metaFields(source.view, unit.id, target, links, now);
    beginWrite(unit);
    return this.#writer.write({ name: unit.name, target, plan, fields, wallMs: now.wallMs });
  }

  async #list(unit: Unit, target: Target): Promise<void> {
    const isLive = target.gone === undefined;
    await this.#index.list(unit.name, isLive);
    unit.listed = isLive;
  }
}

/** Whether the index says what it should; it is told once a unit itself is as it should be. */
function isListedRight(unit: Unit, { gone }: Target): boolean {
  return unit.stored?.vector === undefined || unit.listed === (gone === undefined);
}
