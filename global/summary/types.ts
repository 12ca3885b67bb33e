import type { BinaryKey } from "../../shared/bytes.js";
import type { Publication } from "../digest/delta.js";

/** Number of the rules by which records become cells; raised when equal records would give others. */
export const FOLD_SEMANTICS = 1;

/** A record that a definition is tried on. */
export interface SampleRecord {
  readonly key: string;
  /** JSON text. */
  readonly value: string;
}

/** Something wrong in a definition. */
export interface DefinitionIssue {
  /** Where in the definition, such as `measures.spare`; empty for the whole. */
  readonly field: string;
  readonly reason: string;
  /** The CEL text or line that it is about. */
  readonly text?: string;
  /** Position in `text`, from 1. */
  readonly line?: number;
  readonly column?: number;
}

/** A key that a summary had to leave out, and why. */
export interface SkippedKey {
  readonly key: string;
  readonly reason: string;
}

/** How one summary of this region is, for `Summaries` and `atoll status`. */
export interface SummaryStatus {
  readonly name: string;
  /** Mod revision of the definition that is published; undefined when none is yet. */
  readonly publishedDefinition: number | undefined;
  /** The published definition in canonical form. */
  readonly canonical: string | undefined;
  /** Mod revision of the newest definition record. */
  readonly newestDefinition: number;
  /** A newer definition is being folded. */
  readonly refolding: boolean;
  /** Why the newest definition record isn't in use. */
  readonly error: string | undefined;
  readonly groups: number;
  /** Matching keys. */
  readonly rows: number;
  /** Keys below the prefix that are left out because value or expression fails. */
  readonly skipped: number;
  readonly skippedSample: readonly SkippedKey[];
}

/** A read of existing keys that the engine wants from the source. */
export interface ScanRequest {
  readonly scan: number;
  readonly prefix: BinaryKey;
}

/** What the engine makes of one input. */
export interface EngineOutput {
  /** One for each live section whenever the region's revision moves; in no order. */
  readonly publications: readonly Publication[];
  readonly scans: readonly ScanRequest[];
  /** Scans that are no longer wanted. */
  readonly cancelledScans: readonly number[];
}
