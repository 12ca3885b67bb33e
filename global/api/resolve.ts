import { create } from "@bufbuild/protobuf";
import { cellNumber } from "../../shared/cell-number.js";
import type { Intent } from "../../shared/etcd/intent.js";
import {
  CandidateReason,
  CandidateSchema,
  type ResolveRequest,
  type ResolveResponse,
  ResolveResponseSchema,
  Intent as WireIntent,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { FRESH_WITHIN_MS } from "../../shared/limits.js";
import type { Cell } from "../digest/cell.js";
import { describeBadKey, isGroupKey } from "../digest/group-key.js";
import type { Schema, Section } from "../digest/section.js";
import { type Objection, type Ranked, rank } from "../view/rank.js";
import { cellMessage } from "./cell-message.js";
import { invalid } from "./error-detail.js";
import { freshnessMessage } from "./messages.js";
import { checkSummary, regionsOf } from "./request-checks.js";
import type { ViewSource } from "./view-source.js";

const INTENTS: Readonly<Record<Intent, WireIntent>> = {
  active: WireIntent.ACTIVE,
  draining: WireIntent.DRAINING,
  evacuated: WireIntent.EVACUATED,
  standby: WireIntent.STANDBY,
};

const REASONS: Readonly<Record<Objection, CandidateReason>> = {
  intent: CandidateReason.INTENT,
  freshness: CandidateReason.FRESHNESS,
  "no-group": CandidateReason.NO_GROUP,
  capacity: CandidateReason.CAPACITY,
};

/** Ranks the regions that can serve a group. Throws AtollError naming the field that is wrong. */
export function resolve(source: ViewSource, request: ResolveRequest): ResolveResponse {
  const { summary, group, capacity, minCapacity } = request;
  checkSummary(source, summary, "summary");
  if (!isGroupKey(group)) invalid("group", `is ${describeBadKey(group)}`);
  if (!(minCapacity >= 0 && Number.isFinite(minCapacity))) {
    invalid("min_capacity", `is ${minCapacity}; it must be finite and not negative`);
  }
  if (minCapacity > 0 && capacity === "") {
    invalid("min_capacity", "needs a capacity: name a measure of the summary");
  }
  const regions = regionsOf(source, request.regions);
  const { view } = source;
  const { parts } = view.select(summary, regions);
  checkCapacity(capacity, summary, [...parts.values()]);
  const links = source.links();
  const nowMs = source.nowMs();
  const places = regions.map((region) => {
    const part = parts.get(region);
    const cells = part?.content.get(group)?.cells;
    return {
      reading: view.partReading(region, summary, part, links, nowMs),
      intent: source.report(region)?.intent,
      hasGroup: cells !== undefined,
      capacity: part === undefined ? undefined : amountOf(part.schema, cells, capacity),
      rttMs: source.rttMs(region),
    };
  });
  const needs = {
    maxStalenessMs: request.maxStalenessMs === 0 ? FRESH_WITHIN_MS : request.maxStalenessMs,
    minCapacity: capacity === "" ? undefined : minCapacity,
  };
  return create(ResolveResponseSchema, {
    region: source.region,
    gateway: source.gateway,
    candidates: rank(places, needs).map(candidateMessage),
  });
}

function candidateMessage(place: Ranked): ReturnType<typeof create<typeof CandidateSchema>> {
  const { reading, intent, capacity, rttMs, objections, notes } = place;
  return create(CandidateSchema, {
    freshness: freshnessMessage(reading),
    eligible: objections.length === 0,
    intent: intent === undefined ? WireIntent.UNSPECIFIED : INTENTS[intent],
    ...(capacity === undefined ? {} : { capacity }),
    ...(rttMs === undefined ? {} : { rttMs }),
    notes: [...notes],
    reasons: objections.map((objection) => REASONS[objection]),
  });
}

/** Throws INVALID_ARGUMENT when no merged region has the measure as a number. */
function checkCapacity(capacity: string, summary: string, parts: readonly Section[]): void {
  const [first] = parts;
  if (capacity === "" || first === undefined) return;
  const { measures } = first.schema;
  const measure = measures.find(({ name }) => name === capacity);
  if (measure === undefined) {
    const known = measures.map(({ name }) => name).join(", ");
    invalid("capacity", `${summary} has no measure ${JSON.stringify(capacity)}; it has ${known}`);
  }
  if (!NUMBERS.has(measure.kind)) {
    const kinds = [...NUMBERS].join(", ");
    invalid(
      "capacity",
      `${capacity} is a measure of kind ${measure.kind}; it must be one of ${kinds}`,
    );
  }
}

/** Kinds of measures whose cells are one number. */
const NUMBERS: ReadonlySet<Cell["kind"]> = new Set(["count", "sum", "min", "max", "distinct"]);

/** A measure's number in a group's cells; undefined when it has none. */
function amountOf(
  { measures }: Schema,
  cells: readonly Cell[] | undefined,
  name: string,
): number | undefined {
  const index = measures.findIndex((measure) => measure.name === name);
  const measure = measures[index];
  const cell = cells?.[index];
  if (measure === undefined || cell === undefined) return undefined;
  return cellNumber(cellMessage(cell, measure, false));
}
