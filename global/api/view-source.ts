import type { RegionReport } from "../digest/report.js";
import type { Links, View } from "../view/view.js";

/** Which part of the view moved. */
export interface ViewChange {
  readonly region: string;
  /** Undefined when it concerns the region as a whole. */
  readonly summary: string | undefined;
}

/** A gateway of some region, as this one sees it. */
export interface PeerInfo {
  readonly region: string;
  readonly gateway: string;
  /** host:port */
  readonly address: string;
  readonly state: "self" | "connected" | "connecting" | "idle" | "down";
  /** Milliseconds; undefined when not measured. */
  readonly rttMs: number | undefined;
}

/** How a name of DNS by which a region's gateways are found stands. */
export interface PeerNameStatus {
  readonly region: string;
  /** As it was given. */
  readonly text: string;
  /** Those of its last answer. */
  readonly addresses: readonly string[];
  /** Milliseconds since it was answered in full; undefined when it never was. */
  readonly answerAgeMs: number | undefined;
  /** Why the last look-up wasn't answered; empty when it was. */
  readonly error: string;
}

/** How a gateway's mirror in Redis fares. */
export interface MirrorStatus {
  /** Where Redis is, for people. */
  readonly address: string;
  readonly isConnected: boolean;
  /** Sections and merged summaries. */
  readonly units: number;
  /** Milliseconds since the oldest change that isn't in Redis; 0 when all is. */
  readonly lagMs: number;
  /** The last trouble since all went well; empty when there is none. */
  readonly error: string;
}

/** How a gateway's storage of its view fares. */
export interface StorageStatus {
  /** The data directory. */
  readonly path: string;
  /** Why the view isn't saved; empty when it is. */
  readonly error: string;
  /** Milliseconds since all that was new was on disk; undefined before the first time. */
  readonly savedAgoMs: number | undefined;
  /** Of the file. */
  readonly bytes: number;
  /** Sections that were taken back at the start. */
  readonly restored: number;
  /** Sections, and other things, that were not. */
  readonly dropped: number;
}

/** All that the consumers' API needs of a gateway. */
export interface ViewSource {
  /** The gateway's own region and name. */
  readonly region: string;
  readonly gateway: string;
  readonly view: View;
  /** The age clock that freshness is kept on, in milliseconds. */
  nowMs(): number;
  /** Every region that should be there, its own included, and how it is heard of. */
  links(): Links;
  /** Gateways of all regions, itself included. */
  peers(): readonly PeerInfo[];
  /** Names by which gateways are found; absent where there are none. */
  names?(): readonly PeerNameStatus[];
  /** How the mirror fares; undefined where there is none. */
  mirror?(): MirrorStatus | undefined;
  /** How the storage fares; undefined where there is none. */
  storage?(): StorageStatus | undefined;
  /** Round trip to a region, in ms: 0 to the own one, undefined when not measured. */
  rttMs(region: string): number | undefined;
  reports(): Iterable<RegionReport>;
  report(region: string): RegionReport | undefined;
  /**
   * Calls `listener` after the view moved. It only takes note: it must not throw and
   * does no work on the path by which news come in. The result ends it.
   */
  onChange(listener: (change: ViewChange) => void): () => void;
}
