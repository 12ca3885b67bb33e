import { create } from "@bufbuild/protobuf";
import type { Clock } from "../../shared/clock.js";
import { AtollError } from "../../shared/errors.js";
import {
  type WaitRequest,
  type WaitResponse,
  WaitResponseSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_WAIT_MS, MAX_WAITS, WAIT_LOOK_INTERVAL_MS } from "../../shared/limits.js";
import type { CallContext } from "../../shared/rpc/context.js";
import type { RegionReading } from "../view/view.js";
import type { ContractDesk, Misses } from "./contract-desk.js";
import { type AskedContract, readContract } from "./contract-request.js";
import { invalid } from "./error-detail.js";
import { freshnessMessage } from "./messages.js";
import { bounded, regionsOf } from "./request-checks.js";
import { Wakeup } from "./wakeup.js";

/** What is waited for, checked. */
interface Awaited {
  /** Undefined for all. */
  readonly summary: string | undefined;
  readonly named: readonly string[];
  readonly asked: AskedContract;
  readonly timeoutMs: number;
}

interface Look {
  readonly readings: readonly RegionReading[];
  readonly misses: Misses;
}

/** The calls to Wait of one gateway. */
export class Waits {
  readonly #desk: ContractDesk;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  #open = 0;

  constructor(desk: ContractDesk, clock: Clock, closing: AbortSignal) {
    this.#desk = desk;
    this.#clock = clock;
    this.#closing = closing;
  }

  /** Calls that wait. */
  get open(): number {
    return this.#open;
  }

  /**
   * Answers when the contract is met, can't be any more, or the time is over. Throws
   * AtollError naming the field that is wrong, or with what isn't met.
   */
  async wait(request: WaitRequest, { signal }: CallContext): Promise<WaitResponse> {
    const awaited = readRequest(this.#desk, request);
    if (this.#open >= MAX_WAITS) {
      const message = `this gateway serves ${MAX_WAITS} waits already; ask another one`;
      throw new AtollError("RESOURCE_EXHAUSTED", message);
    }
    const wakeup = new Wakeup();
    const ring = (): void => wakeup.ring();
    const stop = this.#desk.source.onChange(ring);
    const signals = [signal, this.#closing];
    for (const each of signals) each.addEventListener("abort", ring);
    const giveUpAtMs = this.#clock.monotonicMs() + awaited.timeoutMs;
    this.#open++;
    try {
      for (;;) {
        const look = this.#look(awaited);
        const isFinal = [...look.misses.values()].flat().some((miss) => miss.final);
        const leftMs = giveUpAtMs - this.#clock.monotonicMs();
        if (look.misses.size === 0 || isFinal || leftMs <= 0) {
          return this.#finish(awaited, look, isFinal);
        }
        if (signals.some((each) => each.aborted)) {
          this.#desk.waited("cancelled");
          if (signal.aborted) throw new AtollError("CANCELLED", "the caller went away");
          throw new AtollError("UNAVAILABLE", "the gateway is stopping; ask another one");
        }
        // Ages and confirmations move without a change of the view.
        await wakeup.sleep(Math.min(leftMs, WAIT_LOOK_INTERVAL_MS));
      }
    } finally {
      this.#open--;
      stop();
      for (const each of signals) each.removeEventListener("abort", ring);
    }
  }

  #look({ summary, named, asked }: Awaited): Look {
    const { source } = this.#desk;
    const { view } = source;
    const links = source.links();
    const nowMs = source.nowMs();
    const known = view.regions(links);
    const included = named.length === 0 ? known : named;
    const parts = summary === undefined ? undefined : view.select(summary, included).parts;
    const readings = this.#desk
      .regions(asked, included)
      .map((region) =>
        summary === undefined
          ? view.completeReading(region, links, nowMs)
          : view.partReading(region, summary, parts?.get(region), links, nowMs),
      );
    return { readings, misses: this.#desk.misses(asked, readings, known) };
  }

  #finish({ asked }: Awaited, { readings, misses }: Look, isFinal: boolean): WaitResponse {
    const met = misses.size === 0;
    this.#desk.waited(met ? "met" : isFinal ? "impossible" : "timeout");
    if (!met && !asked.annotate) throw this.#desk.refusal("Wait", misses, "DEADLINE_EXCEEDED");
    return create(WaitResponseSchema, {
      met,
      regions: readings.map((reading) => freshnessMessage(reading, misses.get(reading.region))),
    });
  }
}

function readRequest({ source }: ContractDesk, request: WaitRequest): Awaited {
  const { summary, timeoutMs } = request;
  bounded(request.regions, "regions");
  const named = request.regions.length === 0 ? [] : regionsOf(source, request.regions);
  const asked = readContract(request.contract, named);
  if (asked.isEmpty) invalid("contract", "demands nothing; there is nothing to wait for");
  if (timeoutMs > MAX_WAIT_MS) {
    invalid("timeout_ms", `is ${timeoutMs}; at most ${MAX_WAIT_MS} is allowed`);
  }
  return {
    summary: summary === "" ? undefined : summary,
    named,
    asked,
    timeoutMs: timeoutMs === 0 ? MAX_WAIT_MS : timeoutMs,
  };
}
