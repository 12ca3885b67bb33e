import { create } from "@bufbuild/protobuf";
import {
  type SummariesRequest,
  type SummariesResponse,
  SummariesResponseSchema,
  type SummaryState,
  SummaryStateSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { toHex } from "../digest/hash.js";
import type { SummaryReport } from "../digest/report.js";
import type { Section } from "../digest/section.js";
import { definitionMessage, freshnessMessage } from "./messages.js";
import { checkSummary, regionsOf } from "./request-checks.js";
import type { ViewSource } from "./view-source.js";

/** Lists the summaries of each region. Throws AtollError naming what isn't known. */
export function summaries(source: ViewSource, request: SummariesRequest): SummariesResponse {
  const { summary } = request;
  if (summary !== "") checkSummary(source, summary, "summary");
  const regions = regionsOf(source, request.regions);
  const links = source.links();
  const nowMs = source.nowMs();
  return create(SummariesResponseSchema, {
    summaries: regions.flatMap((region) => statesOf(source, region, summary)),
    regions: regions.map((region) =>
      freshnessMessage(source.view.regionReading(region, links, nowMs)),
    ),
  });
}

function statesOf(source: ViewSource, region: string, only: string): SummaryState[] {
  const reports = new Map<string, SummaryReport>();
  for (const report of source.report(region)?.summaries ?? []) reports.set(report.summary, report);
  const sections = new Map<string, Section>();
  for (const section of source.view.state.region(region)?.sections() ?? []) {
    if (!section.schema.retired) sections.set(section.id.summary, section);
  }
  const names = [...new Set([...reports.keys(), ...sections.keys()])].sort();
  return names
    .filter((name) => only === "" || name === only)
    .map((name) => stateOf(region, name, reports.get(name), sections.get(name)));
}

function stateOf(
  region: string,
  summary: string,
  report: SummaryReport | undefined,
  section: Section | undefined,
): SummaryState {
  const state = create(SummaryStateSchema, { region, summary });
  if (report !== undefined) {
    state.text = report.text;
    state.modRevision = BigInt(report.definition);
    state.error = report.error;
    state.refolding = report.refolding;
    state.matched = BigInt(report.matched);
    state.skipped = BigInt(report.skipped);
    state.samples = create(SummaryStateSchema, { samples: [...report.samples] }).samples;
  }
  if (section !== undefined) {
    if (report === undefined) state.modRevision = BigInt(section.version.definition);
    state.published = definitionMessage(section.schema);
    state.groups = BigInt(section.content.size);
    state.root = toHex(section.root);
  }
  return state;
}
