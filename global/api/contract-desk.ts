import type { AtollError } from "../../shared/errors.js";
import { judge, type Miss, type MissKind } from "../view/contract.js";
import { LineageBook } from "../view/lineage.js";
import type { RegionReading } from "../view/view.js";
import type { AskedContract } from "./contract-request.js";
import { contractError } from "./error-detail.js";
import type { ViewSource } from "./view-source.js";

/** How a call to Wait ended. */
export type WaitOutcome = "met" | "timeout" | "impossible" | "cancelled";

/** Told of what the API refuses and how waits end, for metrics and logs. */
export interface ApiObserver {
  /** A call failed, or a stream ended, because its contract wasn't met. */
  refused(method: string, kind: MissKind, region: string): void;
  waited(outcome: WaitOutcome): void;
}

/** Regions by name with what they miss; only those that miss something. */
export type Misses = ReadonlyMap<string, readonly Miss[]>;

const NO_MISSES: Misses = new Map();

/** Holds regions' parts against what readers demand, with all lives of regions in mind. */
export class ContractDesk {
  readonly source: ViewSource;
  readonly #lineage = new LineageBook();
  readonly #observer: ApiObserver;
  readonly #stop: () => void;

  constructor(source: ViewSource, observer: ApiObserver) {
    this.source = source;
    this.#observer = observer;
    for (const { region } of source.view.state.regions()) this.#note(region);
    this.#stop = source.onChange(({ region }) => this.#note(region));
  }

  /** The regions that an answer is about: those that it includes, and those that are demanded of. */
  regions(asked: AskedContract, included: readonly string[]): string[] {
    return [...new Set([...included, ...asked.regions.keys()])].sort();
  }

  /** What the regions miss of what is asked. `known` are the regions that there are. */
  misses(
    asked: AskedContract,
    readings: readonly RegionReading[],
    known: readonly string[],
  ): Misses {
    if (asked.isEmpty) return NO_MISSES;
    const { state } = this.source.view;
    const all = new Map<string, readonly Miss[]>();
    for (const reading of readings) {
      const { region } = reading;
      this.#note(region);
      const register = state.region(region);
      const judged = {
        reading,
        nonces: register?.nonces ?? [],
        isForgotten: register === undefined && state.forgotten.has(region),
        isKnown: known.includes(region),
      };
      const demand = asked.regions.get(region) ?? asked.everywhere;
      const misses = judge(judged, demand, this.#lineage);
      if (misses.length > 0) all.set(region, misses);
    }
    return all;
  }

  /** The error of a call that isn't served for these misses; it is counted. */
  refusal(method: string, misses: Misses, code?: "DEADLINE_EXCEEDED"): AtollError {
    const all = [...misses.values()].flat();
    for (const { kind, region } of all) this.#observer.refused(method, kind, region);
    return contractError(all, code);
  }

  waited(outcome: WaitOutcome): void {
    this.#observer.waited(outcome);
  }

  /** Hears nothing any more. */
  close(): void {
    this.#stop();
  }

  #note(region: string): void {
    const { view } = this.source;
    const incarnation = view.state.region(region)?.incarnation;
    if (incarnation !== undefined) this.#lineage.note(region, incarnation);
    const report = this.source.report(region);
    if (report !== undefined) {
      this.#lineage.noteCluster(region, report.incarnation, report.clusterId);
    }
    if (incarnation === undefined && view.state.forgotten.has(region)) this.#lineage.forget(region);
  }
}
