import type { Notice } from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { FeedState } from "./feed.js";
import { type Places, placeOf, type SummaryPlace } from "./resume-token.js";

/** A place that this gateway has yet to come up to. */
export interface Waiting {
  readonly place: SummaryPlace;
  /** When it gives up, on the monotonic clock; undefined when nothing was said yet. */
  readonly untilMs: number | undefined;
}

/**
 * What a subscriber was told so far. Never changes, so that any number of subscribers
 * can stand at one, and what leads on from there is found and encoded once.
 */
export interface Position {
  /** By summary, the last state that was told. */
  readonly told: ReadonlyMap<string, FeedState>;
  /** By summary, where a resume token stands. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** To be said first. */
  readonly pending: readonly Notice[];
  /** Number of the next notice. */
  readonly nextNotice: number;
  /** The first snapshot is told. */
  readonly complete: boolean;
}

/** Where a new subscriber stands, with a token's places, and a remark on the token. */
export function firstPosition(
  places: Places,
  remark: Notice | undefined,
  nextNotice: number,
): Position {
  return {
    told: new Map(),
    waiting: awaited(places),
    pending: remark === undefined ? [] : [remark],
    nextNotice,
    complete: false,
  };
}

/** Where a subscriber stands in each summary, for its token. */
export function placesOf({ told, waiting }: Position): Places {
  const places = new Map<string, SummaryPlace>();
  for (const [summary, { place }] of waiting) places.set(summary, place);
  for (const [summary, { merged }] of told) {
    const place = placeOf(merged);
    if (place !== undefined) places.set(summary, place);
  }
  return places;
}

/**
 * The same position as its token holds it: by versions, without keeping the states
 * themselves in memory.
 */
export function withoutStates(position: Position): Position {
  return { ...position, told: new Map(), waiting: awaited(placesOf(position)) };
}

/** Whether two positions are one. */
export function samePosition(a: Position, b: Position): boolean {
  if (a.waiting.size > 0 || b.waiting.size > 0 || a.pending.length > 0 || b.pending.length > 0) {
    return false;
  }
  if (a.nextNotice !== b.nextNotice || a.complete !== b.complete) return false;
  if (a.told.size !== b.told.size) return false;
  for (const [summary, state] of a.told) if (b.told.get(summary) !== state) return false;
  return true;
}

function awaited(places: Places): Map<string, Waiting> {
  return new Map([...places].map(([summary, place]) => [summary, { place, untilMs: undefined }]));
}
