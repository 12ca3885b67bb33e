import type { GroupFilter } from "../view/group-filter.js";
import type { AskedContract } from "./contract-request.js";

/** What a subscriber asked for, checked. */
export interface Wanted {
  /** Undefined for all. */
  readonly summaries: readonly string[] | undefined;
  /** Undefined for all. */
  readonly regions: readonly string[] | undefined;
  readonly groups: GroupFilter;
  readonly byRegion: boolean;
  /** Updates carry resume tokens. */
  readonly tokenInUpdates: boolean;
  readonly contract: AskedContract;
  /** Fingerprint of what decides which updates come, hexadecimal. */
  readonly fingerprint: string;
}
