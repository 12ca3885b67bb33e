import { cellJson } from "../../../shared/cell-json.js";
import { cellMessage } from "../../api/cell-message.js";
import type { Cell, MeasureDescriptor } from "../../digest/cell.js";
import type { Links, View } from "../../view/view.js";
import type { UnitId } from "./keys.js";
import type { Target } from "./target.js";

/** A group's measures as JSON, by name: each as `atoll digest get -o json` shows it. */
export function groupJson(measures: readonly MeasureDescriptor[], cells: readonly Cell[]): string {
  const values: Record<string, unknown> = {};
  measures.forEach((measure, index) => {
    const cell = cells[index];
    values[measure.name] = cell === undefined ? null : cellJson(cellMessage(cell, measure, false));
  });
  return JSON.stringify(values);
}

/** What readings of freshness are taken with. */
export interface Now {
  /** On the age clock. */
  readonly nowMs: number;
  /** Wall clock, for people. */
  readonly wallMs: number;
}

/** The fields of a unit's meta hash that are for readers: names and values in turn. */
export function metaFields(
  view: View,
  unit: UnitId,
  target: Target,
  links: Links,
  { nowMs, wallMs }: Now,
): string[] {
  const { schema, gone, others } = target;
  const regions: Record<string, unknown> = {};
  const named = unit.region === undefined ? [...target.parts.keys()].sort() : [unit.region];
  for (const region of named) {
    const part = target.parts.get(region);
    const reading = view.partReading(region, unit.summary, part, links, nowMs);
    regions[region] = {
      incarnation: reading.incarnation?.counter ?? 0,
      nonce: reading.incarnation?.nonce ?? "",
      revision: reading.revision,
      status: gone === "forgotten" ? gone : reading.status,
      reason: reading.reason,
      asOf: reading.ageMs === undefined ? null : wallText(wallMs - reading.ageMs),
    };
  }
  const fields: Record<string, string> = {
    state: gone ?? "live",
    fingerprint: schema?.fingerprint ?? "",
    groupBy: JSON.stringify(schema?.groupBy ?? []),
    measures: JSON.stringify((schema?.measures ?? []).map(({ name, kind }) => ({ name, kind }))),
    regions: JSON.stringify(regions),
    otherDefinition: JSON.stringify(others),
    writtenAt: wallText(wallMs),
  };
  return Object.entries(fields).flat();
}

/** Wall time for people, in ISO 8601. */
export function wallText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
