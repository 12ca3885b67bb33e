import { FRESH_WITHIN_MS } from "../../shared/limits.js";
import type { StateReader } from "../digest/global-state.js";
import type { RegionView } from "../digest/region-register.js";
import type { Section } from "../digest/section.js";
import type { Incarnation } from "../digest/version.js";
import { type Candidates, chooseDefinition, type Selection } from "./choose-definition.js";
import { ageAt, type FreshnessBook } from "./freshness-book.js";

/** How this gateway hears of a region at present: an observer's opinion, never gossiped. */
export interface RegionLink {
  readonly reachable: boolean;
  /** "local", "direct", "relay:REGION", or empty when nothing comes. */
  readonly path: string;
  /** Why nothing comes, or what is wrong although something does; empty when all is well. */
  readonly reason: string;
}

export type RegionStatus =
  | "fresh"
  | "stale"
  | "unreachable"
  | "conflict"
  | "quarantined"
  | "unknown";

/** Where one region's part of an answer stands. */
export interface RegionReading {
  readonly region: string;
  /** Undefined when nothing is known of the region. */
  readonly incarnation: Incarnation | undefined;
  /** 0 when nothing is known. */
  readonly revision: number;
  readonly status: RegionStatus;
  /** Milliseconds that the data is old at most; undefined when unknown. */
  readonly ageMs: number | undefined;
  readonly path: string;
  /** Why the status isn't fresh; empty when it is. */
  readonly reason: string;
}

/** What is known of regions besides their digests: those that should be there, and links. */
export type Links = ReadonlyMap<string, RegionLink>;

const NO_LINK: RegionLink = { reachable: false, path: "", reason: "no gateway of it is known" };

/** The merged view of all regions, read from a state; it keeps nothing itself. */
export class View {
  readonly state: StateReader;
  readonly #freshness: FreshnessBook;

  constructor(state: StateReader, freshness: FreshnessBook) {
    this.state = state;
    this.#freshness = freshness;
  }

  /** Every region that has data or a link, sorted; those that were removed for good left out. */
  regions(links: Links): string[] {
    const names = new Set<string>();
    for (const { region } of this.state.regions()) names.add(region);
    for (const region of links.keys()) {
      if (!this.state.forgotten.has(region)) names.add(region);
    }
    return [...names].sort();
  }

  /** Names of the summaries that any region publishes, sorted. */
  summaries(): string[] {
    const names = new Set<string>();
    for (const register of this.state.regions()) {
      for (const { id, schema } of register.sections()) if (!schema.retired) names.add(id.summary);
    }
    return [...names].sort();
  }

  /** What a merged answer about a summary is made of, over the given regions. */
  select(summary: string, regions: Iterable<string>): Selection {
    const candidates = new Map<string, Candidates>();
    for (const region of regions) {
      const register = this.state.region(region);
      const current = register?.section(summary);
      if (register === undefined || current === undefined || current.schema.retired) continue;
      candidates.set(region, { current, previous: register.previous(summary) });
    }
    return chooseDefinition(candidates);
  }

  /** Where a region stands with the part of it that an answer about one summary has. */
  partReading(
    region: string,
    summary: string,
    part: Section | undefined,
    links: Links,
    nowMs: number,
  ): RegionReading {
    const register = this.state.region(region);
    if (part === undefined) {
      const reading = this.regionReading(region, links, nowMs);
      const retired = register?.section(summary)?.schema.retired === true;
      if (register === undefined || retired) return reading;
      return { ...reading, revision: 0, ageMs: undefined, ...demote(reading, summary) };
    }
    const asOf = this.#freshness.asOf(part);
    const ageMs = asOf === undefined ? undefined : ageAt(asOf, nowMs);
    const fault = register?.fault(summary);
    return {
      region,
      incarnation: part.version.incarnation,
      revision: part.version.revision,
      ageMs,
      path: links.get(region)?.path ?? "",
      ...judge(
        register,
        fault?.quarantined === true ? fault.message : "",
        ageMs,
        links.get(region),
      ),
    };
  }

  /**
   * Where a region stands as a whole: as its oldest section. A region without any
   * summary stands where it was last confirmed.
   */
  regionReading(region: string, links: Links, nowMs: number): RegionReading {
    const register = this.state.region(region);
    const confirmed = this.#freshness.newest(region);
    let revision = Number.POSITIVE_INFINITY;
    let asOf: number | undefined = Number.POSITIVE_INFINITY;
    let trouble = "";
    for (const section of register?.sections() ?? []) {
      // What was deleted stays at the revision of its end.
      if (section.schema.retired) continue;
      revision = Math.min(revision, section.version.revision);
      const own = this.#freshness.asOf(section);
      asOf = own === undefined || asOf === undefined ? undefined : Math.min(asOf, own);
      const fault = register?.fault(section.id.summary);
      if (fault?.quarantined === true) trouble = `${section.id.summary}: ${fault.message}`;
    }
    let incarnation = register?.incarnation;
    if (revision === Number.POSITIVE_INFINITY) {
      incarnation = confirmed?.incarnation ?? incarnation;
      revision = confirmed?.revision ?? 0;
      asOf = confirmed?.asOfMs;
    }
    const ageMs = asOf === undefined ? undefined : ageAt(asOf, nowMs);
    const link = links.get(region);
    const path = link?.path ?? "";
    return {
      region,
      incarnation,
      revision,
      ageMs,
      path,
      ...judge(register, trouble, ageMs, link),
    };
  }

  /**
   * As `regionReading`, but no further than the region was confirmed when all of its
   * summaries were here: one that is on its way may be about what is before.
   */
  completeReading(region: string, links: Links, nowMs: number): RegionReading {
    const reading = this.regionReading(region, links, nowMs);
    const confirmed = this.#freshness.newest(region);
    const isSameLife = confirmed?.incarnation.nonce === reading.incarnation?.nonce;
    const atMost = isSameLife ? (confirmed?.revision ?? 0) : 0;
    return { ...reading, revision: Math.min(reading.revision, atMost) };
  }
}

/** A region whose other sections may be fine, but that has no part in this answer. */
function demote(reading: RegionReading, summary: string): Pick<RegionReading, "status" | "reason"> {
  if (reading.status !== "fresh" && reading.status !== "stale") return reading;
  return { status: "unknown", reason: `it publishes no digest of ${summary} that fits` };
}

function judge(
  register: RegionView | undefined,
  quarantine: string,
  ageMs: number | undefined,
  link: RegionLink | undefined,
): Pick<RegionReading, "status" | "reason"> {
  if (register !== undefined && register.nonces.length > 1) {
    const { counter } = register.incarnation;
    const reason = `incarnation ${counter} is claimed by ${register.nonces.join(" and ")}; frozen at the last good state`;
    return { status: "conflict", reason };
  }
  if (quarantine !== "") return { status: "quarantined", reason: quarantine };
  const { reachable, reason } = link ?? NO_LINK;
  if (!reachable) return { status: "unreachable", reason };
  if (ageMs !== undefined && ageMs <= FRESH_WITHIN_MS) return { status: "fresh", reason };
  const status = ageMs === undefined ? "unknown" : "stale";
  const age =
    ageMs === undefined
      ? "its age is not known to this gateway yet"
      : `it may be ${Math.round(ageMs)} ms old`;
  return { status, reason: reason === "" ? age : `${age}; ${reason}` };
}
