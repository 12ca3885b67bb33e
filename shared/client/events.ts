import {
  type Definition,
  type Group,
  type Notice,
  NoticeKind,
  type RegionChanges,
  type RegionFreshness,
  type RegionVersion,
} from "../gen/atoll/global/v1/global_pb.js";

/** All groups of a summary: whatever was known of it is void. */
export interface SnapshotEvent {
  readonly type: "snapshot";
  readonly summary: string;
  /** Undefined when no region publishes the summary any more. */
  readonly definition: Definition | undefined;
  readonly groups: readonly Group[];
  /** Regions that it was made of. */
  readonly regions: readonly RegionFreshness[];
  /** Regions that publish another definition and are not in it. */
  readonly otherDefinition: readonly string[];
  /** Each region's own groups; when asked for. */
  readonly byRegion: readonly RegionChanges[];
}

/** What changed in a summary, absolute values. */
export interface DeltaEvent {
  readonly type: "delta";
  readonly summary: string;
  readonly definition: Definition | undefined;
  readonly groups: readonly Group[];
  /** Keys of groups that are no more. */
  readonly removed: readonly string[];
  readonly regions: readonly RegionFreshness[];
  readonly otherDefinition: readonly string[];
  readonly byRegion: readonly RegionChanges[];
}

/** How old each region's part is, each second. */
export interface FreshnessEvent {
  readonly type: "freshness";
  readonly regions: readonly RegionFreshness[];
  /** False until the first snapshots have come. */
  readonly complete: boolean;
}

export type NoticeType =
  | "gap"
  | "reset"
  | "restore"
  | "definition-change"
  | "retired"
  | "forgotten"
  | "conflict"
  | "quarantine"
  | "healed"
  | "behind"
  | "other";

/** Something that happened to a region or summary (NoticeKind says what each means). */
export interface NoticeEvent {
  readonly type: NoticeType;
  /** Empty when it concerns all. */
  readonly region: string;
  readonly summary: string;
  readonly message: string;
  readonly before: RegionVersion | undefined;
  readonly now: RegionVersion | undefined;
}

/** The gateway was lost; the next one goes on from where it was. */
export interface FailoverEvent {
  readonly type: "failover";
  readonly from: string;
  readonly to: string;
  readonly error: Error;
}

export type AtollEvent = SnapshotEvent | DeltaEvent | FreshnessEvent | NoticeEvent | FailoverEvent;

const NOTICES: Readonly<Record<NoticeKind, NoticeType>> = {
  [NoticeKind.UNSPECIFIED]: "other",
  [NoticeKind.GAP]: "gap",
  [NoticeKind.RESET]: "reset",
  [NoticeKind.RESTORE]: "restore",
  [NoticeKind.DEFINITION_CHANGE]: "definition-change",
  [NoticeKind.RETIRED]: "retired",
  [NoticeKind.FORGOTTEN]: "forgotten",
  [NoticeKind.CONFLICT]: "conflict",
  [NoticeKind.QUARANTINE]: "quarantine",
  [NoticeKind.HEALED]: "healed",
  [NoticeKind.BEHIND]: "behind",
};

/** A notice as an event; one of a later release is `other`. */
export function noticeEvent({ kind, region, summary, message, before, now }: Notice): NoticeEvent {
  return { type: NOTICES[kind] ?? "other", region, summary, message, before, now };
}
