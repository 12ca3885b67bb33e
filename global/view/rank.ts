import type { Intent } from "../../shared/etcd/intent.js";
import type { RegionReading } from "./view.js";

/** One region as a place for a group, as far as it is known. */
export interface Place {
  readonly reading: RegionReading;
  /** Undefined when the region hasn't said, or can't be understood. */
  readonly intent: Intent | undefined;
  /** It has records of the group. */
  readonly hasGroup: boolean;
  /** The value of the measure that was named; undefined when none was, or it has none. */
  readonly capacity: number | undefined;
  /** Round trip in milliseconds; undefined when not measured. */
  readonly rttMs: number | undefined;
}

export interface Needs {
  /** The oldest digest that counts, in milliseconds. */
  readonly maxStalenessMs: number;
  /** Whether a capacity is asked for, and how much; with 0, any above 0. */
  readonly minCapacity: number | undefined;
}

export type Objection = "intent" | "freshness" | "no-group" | "capacity";

/** A place with what speaks against it, and what there is to say of it. */
export interface Ranked extends Place {
  readonly objections: readonly Objection[];
  readonly notes: readonly string[];
}

/** A digest that stands for what the region is, however old: not one that was refused. */
const TRUSTED: ReadonlySet<RegionReading["status"]> = new Set(["fresh", "stale", "unreachable"]);

/**
 * Puts places in order: those without objections first, the nearest of them at the top
 * (what isn't measured last), then by capacity, then by name. What a stale digest says of
 * capacity counts as none.
 */
export function rank(places: readonly Place[], needs: Needs): Ranked[] {
  return places.map((place) => judgePlace(place, needs)).sort(byOrder);
}

function judgePlace(place: Place, needs: Needs): Ranked {
  const { reading, intent, hasGroup, capacity, rttMs } = place;
  const objections: Objection[] = [];
  const notes: string[] = [];
  const object = (objection: Objection, note: string): void => {
    objections.push(objection);
    notes.push(note);
  };
  if (intent === undefined) object("intent", "what it is for isn't known to this gateway");
  else if (intent !== "active") object("intent", `it is ${intent}`);
  const { ageMs } = reading;
  if (!TRUSTED.has(reading.status)) object("freshness", reading.reason);
  else if (ageMs === undefined) object("freshness", "its age isn't known to this gateway");
  else if (ageMs > needs.maxStalenessMs) {
    const text = `it may be ${Math.ceil(ageMs)} ms old; at most ${needs.maxStalenessMs} counts`;
    object("freshness", text);
  }
  if (!hasGroup) object("no-group", "it has nothing of the group");
  else if (needs.minCapacity !== undefined) {
    const least = needs.minCapacity === 0 ? "more than 0" : `at least ${needs.minCapacity}`;
    if (capacity === undefined) object("capacity", "it doesn't publish the capacity");
    else if (needs.minCapacity === 0 ? capacity <= 0 : capacity < needs.minCapacity) {
      object("capacity", `its capacity is ${capacity}; ${least} is needed`);
    }
  }
  if (rttMs === undefined) notes.push("no round trip to it is measured");
  return { ...place, objections, notes };
}

function byOrder(a: Ranked, b: Ranked): number {
  const none = Number.POSITIVE_INFINITY;
  const rtt = compare(a.rttMs ?? none, b.rttMs ?? none);
  return (
    Math.sign(a.objections.length) - Math.sign(b.objections.length) ||
    rtt ||
    compare(b.capacity ?? -none, a.capacity ?? -none) ||
    (a.reading.region < b.reading.region ? -1 : 1)
  );
}

/** As subtraction, infinities included. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
