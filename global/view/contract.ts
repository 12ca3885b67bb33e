import type { LineageBook } from "./lineage.js";
import type { RegionReading } from "./view.js";

/** A write that must be in a region's part. */
export interface MinVersion {
  readonly revision: number;
  /** In which life of the region: its nonce, or the cluster id in hexadecimal. */
  readonly life: { readonly nonce: string } | { readonly clusterId: string };
  /** The life's counter; 0 when it isn't known. */
  readonly counter: number;
}

/** What a reader demands of one region's part. */
export interface Demand {
  readonly maxStalenessMs: number | undefined;
  readonly minVersion: MinVersion | undefined;
}

export type MissKind =
  | "stale"
  | "age-unknown"
  | "behind"
  | "lineage-lost"
  | "life-unknown"
  | "ambiguous"
  | "conflict"
  | "forgotten"
  | "region-unknown";

/** A demand that isn't met. */
export interface Miss {
  readonly kind: MissKind;
  readonly region: string;
  /** For people. */
  readonly message: string;
  /** Waiting can't help. */
  readonly final: boolean;
}

/** What there is to judge of one region. */
export interface Judged {
  readonly reading: RegionReading;
  /** Nonces that claim the region's incarnation counter; more than one is a conflict. */
  readonly nonces: readonly string[];
  /** The region was removed for good. */
  readonly isForgotten: boolean;
  /** The region is one that the gateway knows of. */
  readonly isKnown: boolean;
}

/** What a region's part misses of what is demanded of it; none when the demand is met. */
export function judge(judged: Judged, demand: Demand, lineage: LineageBook): Miss[] {
  const { region } = judged.reading;
  if (judged.isForgotten) {
    return [{ kind: "forgotten", region, message: "it was removed for good", final: true }];
  }
  if (!judged.isKnown) {
    return [{ kind: "region-unknown", region, message: "there is no such region", final: true }];
  }
  const misses: Miss[] = [];
  if (demand.minVersion !== undefined) {
    const miss = judgeVersion(judged, demand.minVersion, lineage);
    if (miss !== undefined) misses.push(miss);
  }
  const { ageMs } = judged.reading;
  const { maxStalenessMs } = demand;
  if (maxStalenessMs === undefined) return misses;
  if (ageMs === undefined) {
    const message = "its age is not known to this gateway";
    misses.push({ kind: "age-unknown", region, message, final: false });
  } else if (ageMs > maxStalenessMs) {
    const message = `it may be ${Math.ceil(ageMs)} ms old; at most ${maxStalenessMs} ms is allowed`;
    misses.push({ kind: "stale", region, message, final: false });
  }
  return misses;
}

function judgeVersion(judged: Judged, min: MinVersion, lineage: LineageBook): Miss | undefined {
  const { region, incarnation } = judged.reading;
  if (incarnation === undefined) {
    return { kind: "behind", region, message: "nothing is known of it yet", final: false };
  }
  if ("nonce" in min.life) return judgeLife(judged, min.life.nonce, min, lineage);
  const lives = lineage.livesOf(region, incarnation, min.life.clusterId);
  const [verdict, ...others] = lives.map((nonce) => judgeLife(judged, nonce, min, lineage));
  if (lives.length === 0) {
    const message = `no life of it is known to have cluster id ${clusterText(min.life.clusterId)}`;
    return { kind: "life-unknown", region, message, final: false };
  }
  if (others.every((other) => other?.kind === verdict?.kind)) return verdict;
  const message = `cluster id ${clusterText(min.life.clusterId)} may stand for several lives of it; give a nonce`;
  return { kind: "ambiguous", region, message, final: true };
}

function judgeLife(
  { reading, nonces }: Judged,
  nonce: string,
  min: MinVersion,
  lineage: LineageBook,
): Miss | undefined {
  const { region, incarnation, revision } = reading;
  if (incarnation === undefined) return undefined;
  const contested = nonces.length > 1 && nonces.includes(nonce);
  const conflict: Miss = {
    kind: "conflict",
    region,
    message: `incarnation ${incarnation.counter} is claimed by ${nonces.join(" and ")}; it is frozen at revision ${revision}`,
    final: false,
  };
  if (contested && nonce !== incarnation.nonce) return conflict;
  const descent = lineage.descent(region, incarnation, nonce, min.counter, min.revision);
  if (descent.kind === "lost") {
    const message = `revision ${min.revision} of the life ${nonce} is gone: ${descent.why}`;
    return { kind: "lineage-lost", region, message, final: true };
  }
  if (descent.kind === "unknown") {
    const message = `the life ${nonce} isn't known: ${descent.why}`;
    return { kind: "life-unknown", region, message, final: false };
  }
  if (revision >= min.revision) return undefined;
  if (contested) return conflict;
  const place = revision === 0 ? "nothing of it is here" : `it is at revision ${revision}`;
  const message = `${place}; ${min.revision} is asked for`;
  return { kind: "behind", region, message, final: false };
}

/** A cluster id as etcd's answers have it, and as its tools print it. */
function clusterText(hexadecimal: string): string {
  return /^[0-9a-f]{1,16}$/.test(hexadecimal)
    ? `${BigInt(`0x${hexadecimal}`)} (hexadecimal ${hexadecimal})`
    : hexadecimal;
}
