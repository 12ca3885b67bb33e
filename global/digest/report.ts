import type { Intent } from "../../shared/etcd/intent.js";
import type { Incarnation } from "./version.js";

/** A key that a summary could not count, and why. */
interface SkippedSample {
  readonly key: string;
  readonly reason: string;
}

/** How one summary fares in its region; for people, outside of roots. */
export interface SummaryReport {
  readonly summary: string;
  /** Mod revision of the definition that the region holds. */
  readonly definition: number;
  /** The definition as it was written. */
  readonly text: string;
  /** Fingerprint of the definition that is published; empty when none is. */
  readonly fingerprint: string;
  /** Why the definition that the region holds isn't the one published; empty when it is. */
  readonly error: string;
  readonly refolding: boolean;
  /** Keys that are counted in the groups. */
  readonly matched: number;
  /** Keys that don't parse or whose expressions fail. */
  readonly skipped: number;
  readonly samples: readonly SkippedSample[];
}

/** All summaries of one region, as one of its gateways sees them. */
export interface RegionReport {
  readonly region: string;
  readonly incarnation: Incarnation;
  /** Revision at which the report was made. */
  readonly revision: number;
  readonly summaries: readonly SummaryReport[];
  /** The cluster id that the region's store answers with, hexadecimal; empty when not known. */
  readonly clusterId: string;
  /** What the region is for; undefined when its word for that can't be read. */
  readonly intent: Intent | undefined;
}

/** The newest report of each region, by incarnation counter, then revision. */
export class ReportBook {
  readonly #reports = new Map<string, RegionReport>();

  /** Takes a report; false when the one that is held is as new. */
  join(report: RegionReport): boolean {
    const held = this.#reports.get(report.region);
    if (held !== undefined) {
      const order =
        report.incarnation.counter - held.incarnation.counter || report.revision - held.revision;
      if (order <= 0) return false;
    }
    this.#reports.set(report.region, report);
    return true;
  }

  /** Drops a region's report when the region is removed for good. */
  forget(region: string, counter: number): void {
    const held = this.#reports.get(region);
    if (held !== undefined && held.incarnation.counter <= counter) this.#reports.delete(region);
  }

  get(region: string): RegionReport | undefined {
    return this.#reports.get(region);
  }

  all(): Iterable<RegionReport> {
    return this.#reports.values();
  }
}
