import { REFUSED_RETRY_FIRST_CALLS, REFUSED_RETRY_MAX_CALLS } from "../../../shared/limits.js";
import type { SummaryDefinition } from "../definition/definition.js";
import type { SummaryStatus } from "../types.js";
import type { Running } from "./running.js";

/** A definition on its way to be published. */
export interface Building {
  readonly running: Running;
  readonly scan: number;
}

/** A definition whose fold passed a bound. */
export interface Refused {
  readonly definition: SummaryDefinition;
  readonly modRevision: number;
  readonly reason: string;
}

/** One key below `/atoll/summaries/`: what stands there, and what is made of it. */
export class Summary {
  readonly name: string;
  /** Mod revision of the newest record. */
  newest = 0;
  /** What is wrong with the newest record; the last good one stays in use. */
  recordError: string | undefined;
  /** Publishing. */
  live: Running | undefined;
  building: Building | undefined;
  refused: Refused | undefined;
  /** Calls of `retryRefused` until it is folded again, and until the time after that. */
  retryInCalls = 0;
  nextRetryCalls = REFUSED_RETRY_FIRST_CALLS;
  /** Some section of it is out in the world. */
  wasPublished = false;

  constructor(name: string) {
    this.name = name;
  }

  /** A fold of it passed a bound: the next try is put off, each time for twice as long. */
  refuse({ definition, modRevision }: Running, reason: string): void {
    this.refused = { definition, modRevision, reason };
    this.retryInCalls = this.nextRetryCalls;
    this.nextRetryCalls = Math.min(2 * this.nextRetryCalls, REFUSED_RETRY_MAX_CALLS);
  }

  status(): SummaryStatus {
    const { name, newest, recordError, live, building, refused } = this;
    return {
      name,
      publishedDefinition: live?.modRevision,
      canonical: live?.canonical,
      newestDefinition: newest,
      refolding: building !== undefined,
      error: recordError ?? refused?.reason,
      groups: live?.fold.groupCount ?? 0,
      rows: live?.fold.rowCount ?? 0,
      skipped: live?.fold.skippedCount ?? 0,
      skippedSample: live?.fold.skippedSample() ?? [],
    };
  }
}
