import { AtollError } from "../../shared/errors.js";
import {
  type Candidate,
  CandidateReason,
  Intent,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Column } from "../terminal/table.js";
import { groupKey } from "./digest.js";
import { durationMs } from "./duration.js";
import type { Environment } from "./environment.js";
import { formatAge, freshnessJson } from "./freshness.js";

/** The options of `resolve`, as they were typed. */
export interface ResolveOptions {
  readonly group: string;
  readonly region: readonly string[];
  readonly capacity?: string;
  readonly minCapacity?: string;
  readonly maxStaleness?: string;
}

const COLUMNS: readonly Column[] = [
  { head: "REGION" },
  { head: "SERVES" },
  { head: "INTENT" },
  { head: "CAPACITY", align: "right" },
  { head: "RTT", align: "right" },
  { head: "AGE AT MOST", align: "right" },
  { head: "NOTES" },
];

/** `atoll resolve`: the regions that can serve a group, the best first, with reasons. */
export async function resolveGroup(
  environment: Environment,
  summary: string,
  options: ResolveOptions,
): Promise<void> {
  const { capacity = "", minCapacity = "0", maxStaleness } = options;
  if (!(Number(minCapacity) >= 0)) {
    throw new AtollError("INVALID_ARGUMENT", `--min-capacity: ${minCapacity} is not a number`);
  }
  const request = {
    ...{ summary, capacity, minCapacity: Number(minCapacity), regions: [...options.region] },
    group: groupKey(options.group),
    maxStalenessMs: maxStaleness === undefined ? 0 : durationMs(maxStaleness, "--max-staleness"),
  };
  const answer = await environment.withClient((client) => client.resolve(request));
  const { region, gateway, candidates } = answer;
  if (environment.form === "json") {
    environment.json({ region, gateway, candidates: candidates.map(candidateJson) });
    return;
  }
  environment.table(COLUMNS, candidates.map(candidateRow));
  environment.line(`as seen by ${gateway} in ${region}`);
}

function intentWord(intent: Intent): string {
  return intent === Intent.UNSPECIFIED ? "unknown" : Intent[intent].toLowerCase();
}

function candidateJson(candidate: Candidate): Record<string, unknown> {
  const { freshness, eligible, intent, capacity, rttMs, notes, reasons } = candidate;
  return {
    ...(freshness === undefined ? {} : freshnessJson(freshness)),
    eligible,
    intent: intentWord(intent),
    capacity: capacity ?? null,
    rttMs: rttMs ?? null,
    reasons: reasons.map((reason) => CandidateReason[reason].toLowerCase()),
    notes,
  };
}

function candidateRow(candidate: Candidate): string[] {
  const { freshness, eligible, intent, capacity, rttMs, notes } = candidate;
  return [
    freshness?.region ?? "",
    eligible ? "yes" : "no",
    intentWord(intent),
    capacity === undefined ? "-" : String(capacity),
    rttMs === undefined ? "-" : formatAge(rttMs),
    formatAge(freshness?.maxAgeMs),
    notes.join("; "),
  ];
}
