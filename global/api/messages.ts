import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Definition as DefinitionMessage,
  DefinitionSchema,
  type Group as GroupMessage,
  GroupSchema,
  type RegionFreshness,
  RegionFreshnessSchema,
  type RegionVersionSchema,
  MeasureKind as WireKind,
  RegionStatus as WireStatus,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Cell, GroupKey, MeasureDescriptor, MeasureKind } from "../digest/cell.js";
import type { Schema } from "../digest/section.js";
import type { Incarnation } from "../digest/version.js";
import type { Miss } from "../view/contract.js";
import type { RegionReading, RegionStatus } from "../view/view.js";
import { cellMessage } from "./cell-message.js";
import { missMessage } from "./error-detail.js";

const STATUSES: Readonly<Record<RegionStatus, WireStatus>> = {
  fresh: WireStatus.FRESH,
  stale: WireStatus.STALE,
  unreachable: WireStatus.UNREACHABLE,
  conflict: WireStatus.CONFLICT,
  quarantined: WireStatus.QUARANTINED,
  unknown: WireStatus.UNKNOWN,
};

const KINDS: Readonly<Record<MeasureKind, WireKind>> = {
  count: WireKind.COUNT,
  sum: WireKind.SUM,
  min: WireKind.MIN,
  max: WireKind.MAX,
  distinct: WireKind.DISTINCT,
  quantiles: WireKind.QUANTILES,
  any: WireKind.ANY,
  latest: WireKind.LATEST,
  set: WireKind.SET,
  top: WireKind.TOP,
};

/** A region's version; all zero when nothing is known. */
export function versionMessage(
  incarnation: Incarnation | undefined,
  revision: number,
): MessageInitShape<typeof RegionVersionSchema> {
  return {
    incarnation: BigInt(incarnation?.counter ?? 0),
    nonce: incarnation?.nonce ?? "",
    revision: BigInt(revision),
  };
}

/** Where a region's part stands, and what it misses of what was demanded. */
export function freshnessMessage(
  reading: RegionReading,
  misses: readonly Miss[] = [],
): RegionFreshness {
  const message = create(RegionFreshnessSchema, {
    region: reading.region,
    version: versionMessage(reading.incarnation, reading.revision),
    status: STATUSES[reading.status],
    path: reading.path,
    reason: reading.reason,
    misses: misses.map(missMessage),
  });
  if (reading.ageMs !== undefined) message.maxAgeMs = reading.ageMs;
  return message;
}

/** What a definition's groups and cells mean. */
export function definitionMessage(schema: Schema): DefinitionMessage {
  return create(DefinitionSchema, {
    fingerprint: schema.fingerprint,
    groupBy: [...schema.groupBy],
    measures: schema.measures.map(({ name, kind }) => ({ name, kind: KINDS[kind] })),
  });
}

/** One group. `sketches` says to add the sketches behind estimates. */
export function groupMessage(
  key: GroupKey,
  cells: readonly Cell[],
  schema: Schema,
  sketches = false,
): GroupMessage {
  return create(GroupSchema, {
    key,
    cells: cells.map((cell, index) =>
      cellMessage(cell, schema.measures[index] as MeasureDescriptor, sketches),
    ),
  });
}
