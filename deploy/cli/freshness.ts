import { MissKind } from "../../shared/gen/atoll/global/v1/contract_pb.js";
import { type RegionFreshness, RegionStatus } from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Column } from "../terminal/table.js";

/** The status in one word, such as "fresh". */
export function statusWord(status: RegionStatus): string {
  return (RegionStatus[status] ?? "unspecified").toLowerCase();
}

/** An age bound for people: "12 ms", "3.4 s", "5 min", or "unknown". */
export function formatAge(ms: number | undefined): string {
  if (ms === undefined) return "unknown";
  if (ms < 1_000) return `${Math.ceil(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.ceil(ms / 60_000)} min`;
}

/** A region's freshness as JSON. */
export function freshnessJson(region: RegionFreshness): Record<string, unknown> {
  return {
    region: region.region,
    incarnation: region.version?.incarnation ?? 0n,
    nonce: region.version?.nonce ?? "",
    revision: region.version?.revision ?? 0n,
    status: statusWord(region.status),
    maxAgeMs: region.maxAgeMs ?? null,
    path: region.path,
    reason: region.reason,
    misses: region.misses.map(({ kind, message, final }) => ({
      kind: (MissKind[kind] ?? "other").toLowerCase(),
      message,
      final,
    })),
  };
}

export const FRESHNESS_COLUMNS: readonly Column[] = [
  { head: "REGION" },
  { head: "STATUS" },
  { head: "REVISION", align: "right" },
  { head: "AGE AT MOST", align: "right" },
  { head: "PATH" },
  { head: "REASON" },
];

/** A region's freshness as a row under FRESHNESS_COLUMNS. */
export function freshnessRow(region: RegionFreshness): string[] {
  return [
    region.region,
    statusWord(region.status),
    String(region.version?.revision ?? 0n),
    formatAge(region.maxAgeMs),
    region.path || "-",
    [region.reason, ...region.misses.map(({ message }) => message)].filter(Boolean).join("; "),
  ];
}
