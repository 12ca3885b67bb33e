import { AtollError } from "../../shared/errors.js";
import type { GroupFilter as GroupFilterMessage } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_NAMES_PER_REQUEST } from "../../shared/limits.js";
import { describeBadKey, isGroupKey } from "../digest/group-key.js";
import { GroupFilter } from "../view/group-filter.js";
import { invalid, notFound } from "./error-detail.js";
import type { ViewSource } from "./view-source.js";

/** Reads a group filter. Throws INVALID_ARGUMENT naming the field. */
export function groupFilter(message: GroupFilterMessage | undefined): GroupFilter {
  const keys = message?.keys ?? [];
  bounded(keys, "groups.keys");
  keys.forEach((key, index) => {
    if (!isGroupKey(key)) invalid(`groups.keys[${index}]`, `is ${describeBadKey(key)}`);
  });
  return new GroupFilter(keys, message?.prefix ?? "");
}

/**
 * The regions that a request names, or all that are known. Throws NOT_FOUND naming one
 * that isn't, and those that are.
 */
export function regionsOf(source: ViewSource, named: readonly string[]): string[] {
  const known = source.view.regions(source.links());
  if (named.length === 0) return known;
  bounded(named, "regions");
  const unknown = named.find((region) => !known.includes(region));
  if (unknown !== undefined) throw notFound("regions", "region", unknown, known);
  return [...new Set(named)].sort();
}

/**
 * Checks that a summary is known to be defined anywhere. Throws INVALID_ARGUMENT when
 * none is named, NOT_FOUND naming the summaries that exist, and UNAVAILABLE while this
 * gateway has no data that it could know by.
 */
export function checkSummary(source: ViewSource, summary: string, field: string): void {
  if (summary === "") invalid(field, "is empty; name a summary");
  const known = new Set(source.view.summaries());
  if (known.has(summary)) return;
  let heard = false;
  for (const report of source.reports()) {
    heard = true;
    for (const entry of report.summaries) known.add(entry.summary);
  }
  if (known.has(summary)) return;
  if (!heard && known.size === 0) {
    throw new AtollError(
      "UNAVAILABLE",
      `gateway ${source.gateway} of ${source.region} has just started and has no data yet`,
    );
  }
  throw notFound(field, "summary", summary, [...known].sort());
}

/** Throws INVALID_ARGUMENT when a request names too much. */
export function bounded(names: readonly unknown[], field: string): void {
  if (names.length > MAX_NAMES_PER_REQUEST) {
    invalid(field, `has ${names.length} elements; at most ${MAX_NAMES_PER_REQUEST} are allowed`);
  }
}
