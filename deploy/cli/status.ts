import { AtollError } from "../../shared/errors.js";
import { RegionStatus } from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { Column } from "../terminal/table.js";
import type { Environment } from "./environment.js";
import { formatAge, freshnessJson, statusWord } from "./freshness.js";
import { nameNotes } from "./gateway-names.js";
import type { MemberFacts } from "./membership-facts.js";
import { type GatewayFacts, gatherFacts, type RegionFacts } from "./status-facts.js";

const COLUMNS: readonly Column[] = [
  { head: "REGION" },
  { head: "NAME" },
  { head: "ROLE" },
  { head: "TERM", align: "right" },
  { head: "REVISION", align: "right" },
  { head: "LAG", align: "right" },
  { head: "PEERS", align: "right" },
  { head: "FRESHNESS" },
  { head: "NOTE" },
];

/** Below this a mirror counts as up to date. */
const MIRROR_LATE_MS = 1_000;

function roleOf(member: MemberFacts): string {
  if (member.error !== undefined) return member.isLearner === true ? "learner, down" : "down";
  if (member.leads === true) return "leader";
  if (member.leaderKnown !== true) return "no leader";
  return member.isLearner === true ? "learner" : "follower";
}

/** Entries that the region has committed and this member hasn't applied. */
function lagOf(member: MemberFacts, region: RegionFacts): number | undefined {
  if (member.applied === undefined) return undefined;
  const committed = Math.max(...region.members.map((other) => other.committed ?? 0));
  return committed - member.applied;
}

function memberRow(region: RegionFacts, member: MemberFacts): string[] {
  return [
    region.name,
    member.name,
    roleOf(member),
    String(member.term ?? "-"),
    String(member.revision ?? "-"),
    String(lagOf(member, region) ?? "-"),
    "-",
    "-",
    [member.error, ...member.errors].filter((text) => text !== undefined).join("; "),
  ];
}

/** What an operator should know of what a gateway says. */
function notesOf(region: string, gateway: GatewayFacts): string[] {
  const views = (gateway.view?.regions ?? []).flatMap(({ freshness }) => freshness ?? []);
  const regions = views
    .filter(({ status, reason }) => status !== RegionStatus.FRESH || reason !== "")
    .map(
      (view) =>
        `${view.region} ${statusWord(view.status)}${view.reason === "" ? "" : `: ${view.reason}`}`,
    );
  const summaries = (gateway.summaries ?? [])
    .filter(
      (summary) => summary.region === region && (summary.error !== "" || summary.skipped > 0n),
    )
    .map((summary) =>
      summary.error === ""
        ? `${summary.summary}: ${summary.skipped} records skipped`
        : `${summary.summary}: ${summary.error.split("\n")[0]}`,
    );
  return [
    ...regions,
    ...nameNotes(gateway.view),
    ...summaries,
    ...mirrorNotes(gateway),
    ...storageNotes(gateway),
  ];
}

/** How a gateway's mirror in Redis fares, where it has one. */
function mirrorNotes({ view }: GatewayFacts): string[] {
  const mirror = view?.mirror;
  if (mirror === undefined) return [];
  const error = mirror.error === "" ? "" : `: ${mirror.error}`;
  if (!mirror.connected) return [`mirror down${error}`];
  if (mirror.lagMs < MIRROR_LATE_MS && error === "") return ["mirrored to Redis"];
  return [`mirror ${formatAge(mirror.lagMs)} behind${error}`];
}

/** What is wrong with a gateway's storage of its view, where it has one. */
function storageNotes({ view }: GatewayFacts): string[] {
  const storage = view?.storage;
  if (storage === undefined) return [];
  const { error, savedAgoMs } = storage;
  const ago = savedAgoMs === undefined ? "never" : `${formatAge(savedAgoMs)} ago`;
  if (error !== "") return [`view last saved ${ago}: ${error}`];
  return storage.dropped > 0n ? [`${storage.dropped} parts of its stored view were lost`] : [];
}

/** How many other regions a gateway knows, and how many of those it hears. */
function peersOf(region: string, gateway: GatewayFacts): { heard: number; known: number } {
  const others = (gateway.view?.regions ?? []).filter(
    ({ freshness }) => freshness?.region !== region,
  );
  const heard = others.filter(({ gateways }) =>
    gateways.some(({ state }) => state === "connected"),
  );
  return { heard: heard.length, known: others.length };
}

function gatewayRow(region: string, gateway: GatewayFacts): string[] {
  const { view, error } = gateway;
  if (view === undefined)
    return [region, gateway.name, "down", "-", "-", "-", "-", "-", error ?? ""];
  const views = view.regions.flatMap(({ freshness }) => freshness ?? []);
  const own = views.find((freshness) => freshness.region === region);
  const ages = views.map((freshness) => freshness.maxAgeMs);
  const oldest = ages.includes(undefined) ? undefined : Math.max(0, ...ages.map((age) => age ?? 0));
  const { heard, known } = peersOf(region, gateway);
  return [
    region,
    gateway.name,
    "gateway",
    "-",
    String(own?.version?.revision ?? 0n),
    "-",
    `${heard}/${known}`,
    oldest === undefined ? "unknown" : `all within ${formatAge(oldest)}`,
    notesOf(region, gateway).join("; "),
  ];
}

function mirrorJson({ view }: GatewayFacts): unknown {
  if (view?.mirror === undefined) return null;
  const { address, connected, units, lagMs, error } = view.mirror;
  return { address, connected, units, lagMs, error };
}

function storageJson({ view }: GatewayFacts): unknown {
  if (view?.storage === undefined) return null;
  const { path, error, savedAgoMs, bytes, restoredSections, dropped } = view.storage;
  return {
    path,
    error,
    savedAgoMs: savedAgoMs ?? null,
    bytes: Number(bytes),
    restoredSections: Number(restoredSections),
    dropped: Number(dropped),
  };
}

function regionJson(region: RegionFacts): Record<string, unknown> {
  return {
    region: region.name,
    members: region.members.map((member) => ({
      name: member.name,
      address: member.address,
      role: roleOf(member),
      term: member.term ?? null,
      revision: member.revision ?? null,
      lag: lagOf(member, region) ?? null,
      learner: member.isLearner ?? false,
      errors: member.error === undefined ? member.errors : [member.error, ...member.errors],
    })),
    gateways: region.gateways.map((gateway) => ({
      name: gateway.name,
      address: gateway.address,
      role: gateway.view === undefined ? "down" : "gateway",
      peers: peersOf(region.name, gateway),
      regions: (gateway.view?.regions ?? []).flatMap(({ freshness }) =>
        freshness === undefined ? [] : [freshnessJson(freshness)],
      ),
      mirror: mirrorJson(gateway),
      storage: storageJson(gateway),
      notes: gateway.error === undefined ? notesOf(region.name, gateway) : [gateway.error],
    })),
  };
}

/**
 * `atoll status`: every member and gateway in one table. Throws UNAVAILABLE when
 * nothing at all answers.
 */
export async function showStatus(environment: Environment): Promise<void> {
  const facts = await gatherFacts(environment);
  const answers = facts.some(
    (region) =>
      region.members.some((member) => member.error === undefined) ||
      region.gateways.some((gateway) => gateway.error === undefined),
  );
  if (environment.form === "json") environment.json({ regions: facts.map(regionJson) });
  else {
    environment.table(
      COLUMNS,
      facts.flatMap((region) => [
        ...region.members.map((member) => memberRow(region, member)),
        ...region.gateways.map((gateway) => gatewayRow(region.name, gateway)),
      ]),
    );
  }
  if (!answers)
    throw new AtollError("UNAVAILABLE", "no member or gateway answers; is the playground running?");
}
