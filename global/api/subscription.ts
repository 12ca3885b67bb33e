import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Notice,
  NoticeKind,
  NoticeSchema,
  SubscribeResponseSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RESUME_CATCH_UP_MS } from "../../shared/limits.js";
import type { GroupFilter } from "../view/group-filter.js";
import type { MergedSnapshot } from "../view/merged-summary.js";
import type { RegionReading } from "../view/view.js";
import type { ContractDesk, Misses } from "./contract-desk.js";
import type { AskedContract } from "./contract-request.js";
import type { Feed, FeedState } from "./feed.js";
import type { Hub } from "./hub.js";
import { freshnessMessage } from "./messages.js";
import { resume } from "./resume.js";
import { encodeToken, type Places, placeOf, type SummaryPlace } from "./resume-token.js";
import { updateBodies, updateFrame } from "./update-messages.js";
import type { ViewChange } from "./view-source.js";

/** What a subscriber asked for, checked. */
export interface Wanted {
  /** Undefined for all. */
  readonly summaries: readonly string[] | undefined;
  /** Undefined for all. */
  readonly regions: readonly string[] | undefined;
  readonly groups: GroupFilter;
  readonly byRegion: boolean;
  /** Updates carry resume tokens. */
  readonly tokenInUpdates: boolean;
  readonly contract: AskedContract;
  /** Fingerprint of what decides which updates come, hexadecimal. */
  readonly fingerprint: string;
}

const NO_TOKEN = new Uint8Array(0);

/** A place that this gateway has yet to come up to. */
interface Waiting {
  readonly place: SummaryPlace;
  untilMs: number | undefined;
}

/**
 * One subscriber's place in the view, and what leads from there to now. It queues
 * nothing: however long the subscriber takes, the next frames lead to the latest state.
 */
export class Subscription {
  readonly #hub: Hub;
  readonly #desk: ContractDesk;
  readonly #wanted: Wanted;
  readonly #feeds = new Map<string, Feed>();
  readonly #told = new Map<string, FeedState>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #pending: Notice[] = [];
  #nextNotice: number;
  #complete = false;

  /** `places` are where a resume token stands; `remark` is said first, when given. */
  constructor(
    hub: Hub,
    desk: ContractDesk,
    wanted: Wanted,
    places: Places,
    remark: Notice | undefined,
  ) {
    this.#hub = hub;
    this.#desk = desk;
    this.#wanted = wanted;
    this.#nextNotice = hub.notices.end;
    for (const [summary, place] of places) {
      this.#waiting.set(summary, { place, untilMs: undefined });
    }
    if (remark !== undefined) this.#pending.push(remark);
  }

  /** Whether a change can be of interest. */
  concerns(change: ViewChange): boolean {
    const { summaries, regions } = this.#wanted;
    return (
      (regions === undefined || regions.includes(change.region)) &&
      (summaries === undefined ||
        change.summary === undefined ||
        summaries.includes(change.summary))
    );
  }

  /** Encoded messages of what happened since the last call. */
  *notices(): Generator<Uint8Array> {
    for (const notice of this.#pending.splice(0)) yield noticeFrame(notice);
    const notices = this.#hub.notices.since(this.#nextNotice);
    this.#nextNotice = this.#hub.notices.end;
    if (notices === undefined) {
      this.#told.clear();
      const message = "more happened than this gateway keeps for a subscriber this slow";
      yield noticeFrame(create(NoticeSchema, { kind: NoticeKind.RESET, message }));
      return;
    }
    for (const notice of notices) {
      const { region, summary } = notice;
      if (this.concerns({ region, summary: summary === "" ? undefined : summary })) {
        yield noticeFrame(notice);
      }
    }
  }

  /**
   * Encoded messages that lead from what was told to now; none when it is the same.
   * A summary counts as told once all its messages were taken. Throws FAILED_PRECONDITION
   * and the like when the contract isn't met and misses aren't to be annotated.
   */
  *updates(nowMs: number): Generator<Uint8Array> {
    for (const summary of this.#summaries()) {
      const state = this.#feed(summary).current();
      const waiting = this.#waiting.get(summary);
      if (waiting !== undefined) yield* this.#resume(summary, waiting, state, nowMs);
      else yield* this.#advance(summary, state);
    }
    this.#complete = this.#waiting.size === 0;
  }

  /**
   * The encoded message of the moment: all regions' freshness, and where to resume.
   * Throws as `updates` does.
   */
  heartbeat(): Uint8Array {
    const only = this.#only;
    const parts = only === undefined ? undefined : this.#told.get(only)?.merged.parts;
    const { readings, misses } = this.#standing(parts);
    if (this.#complete) this.#insist(misses);
    const value = {
      regions: readings.map((reading) => freshnessMessage(reading, misses.get(reading.region))),
      resumeToken: this.#token(),
      complete: this.#complete,
    };
    return encode({ case: "heartbeat", value });
  }

  /** Gives back what it shares with others. */
  close(): void {
    for (const summary of this.#feeds.keys()) this.#hub.release(summary, this.#wanted.regions);
    this.#feeds.clear();
  }

  /** Where the consumer stands once it has been told `news`. */
  #token(news?: readonly [summary: string, state: FeedState]): Uint8Array {
    const places = new Map<string, SummaryPlace>();
    for (const [summary, { place }] of this.#waiting) places.set(summary, place);
    const told = news === undefined ? this.#told : new Map([...this.#told, news]);
    for (const [summary, { merged }] of told) {
      const place = placeOf(merged);
      if (place !== undefined) places.set(summary, place);
    }
    return encodeToken(this.#wanted.fingerprint, places);
  }

  /** The summary, when it is only one. */
  get #only(): string | undefined {
    const { summaries } = this.#wanted;
    return summaries?.length === 1 ? summaries[0] : undefined;
  }

  /** Where all regions stand, `parts` being what the consumer has of the only summary. */
  #standing(parts: MergedSnapshot["parts"] | undefined): {
    readings: readonly RegionReading[];
    misses: Misses;
  } {
    const { source } = this.#hub;
    const { contract, regions } = this.#wanted;
    const links = source.links();
    const nowMs = source.nowMs();
    const known = source.view.regions(links);
    const only = this.#only;
    const readings = this.#desk
      .regions(contract, regions ?? known)
      .map((region) =>
        only === undefined
          ? source.view.regionReading(region, links, nowMs)
          : source.view.partReading(region, only, parts?.get(region), links, nowMs),
      );
    return { readings, misses: this.#desk.misses(contract, readings, known) };
  }

  #insist(misses: Misses): void {
    if (misses.size > 0 && !this.#wanted.contract.annotate) {
      throw this.#desk.refusal("Subscribe", misses);
    }
  }

  *#advance(summary: string, state: FeedState): Generator<Uint8Array> {
    const told = this.#told.get(summary);
    if (told === state) return;
    if (told === undefined && state.merged.schema === undefined) return;
    const { groups, byRegion, fingerprint } = this.#wanted;
    const feed = this.#feed(summary);
    const bodies = feed.bodies(told, state, groups, fingerprint, byRegion);
    yield* this.#frames(summary, bodies, told, state);
    this.#told.set(summary, state);
  }

  *#resume(
    summary: string,
    waiting: Waiting,
    state: FeedState,
    nowMs: number,
  ): Generator<Uint8Array> {
    const resumed = resume(this.#hub.source.view.state, summary, waiting.place, state);
    if (resumed.kind === "wait" && (waiting.untilMs === undefined || nowMs < waiting.untilMs)) {
      if (waiting.untilMs !== undefined) return;
      waiting.untilMs = nowMs + RESUME_CATCH_UP_MS;
      const message = `this gateway holds less of ${resumed.region} than the token; waiting for it`;
      yield noticeFrame(
        create(NoticeSchema, {
          kind: NoticeKind.BEHIND,
          region: resumed.region,
          summary,
          message,
        }),
      );
      return;
    }
    this.#waiting.delete(summary);
    if (resumed.kind === "news") {
      const { groups, byRegion } = this.#wanted;
      const bodies = updateBodies(resumed.news, groups, byRegion);
      yield* this.#frames(summary, bodies, undefined, state);
      this.#told.set(summary, state);
      return;
    }
    const late = `this gateway still holds less of ${resumed.region} than the token`;
    const [kind, message] =
      resumed.kind === "wait" ? [NoticeKind.RESET, late] : [resumed.notice, resumed.message];
    yield noticeFrame(create(NoticeSchema, { kind, region: resumed.region, summary, message }));
    yield* this.#advance(summary, state);
  }

  *#frames(
    summary: string,
    bodies: readonly Uint8Array[],
    told: FeedState | undefined,
    state: FeedState,
  ): Generator<Uint8Array> {
    if (bodies.length === 0) return;
    const { source } = this.#hub;
    const { contract, tokenInUpdates } = this.#wanted;
    if (!contract.isEmpty) this.#insist(this.#standing(state.merged.parts).misses);
    const links = source.links();
    const nowMs = source.nowMs();
    const readings = [...state.merged.parts]
      .filter(([region, part]) => told?.merged.parts.get(region) !== part)
      .map(([region, part]) => source.view.partReading(region, summary, part, links, nowMs));
    const misses = this.#desk.misses(contract, readings, source.view.regions(links));
    const regions = readings.map((reading) =>
      freshnessMessage(reading, misses.get(reading.region)),
    );
    for (const [index, body] of bodies.entries()) {
      const isLast = index === bodies.length - 1;
      yield updateFrame(body, {
        regions: index === 0 ? regions : [],
        resumeToken: isLast && tokenInUpdates ? this.#token([summary, state]) : NO_TOKEN,
      });
    }
  }

  #feed(summary: string): Feed {
    let feed = this.#feeds.get(summary);
    if (feed === undefined) {
      feed = this.#hub.acquire(summary, this.#wanted.regions);
      this.#feeds.set(summary, feed);
    }
    return feed;
  }

  #summaries(): Iterable<string> {
    const { summaries } = this.#wanted;
    if (summaries !== undefined) return summaries;
    const names = new Set(this.#hub.source.view.summaries());
    for (const summary of this.#told.keys()) names.add(summary);
    for (const summary of this.#waiting.keys()) names.add(summary);
    return names;
  }
}

type Event = Parameters<typeof create<typeof SubscribeResponseSchema>>[1];

function encode(event: NonNullable<NonNullable<Event>["event"]>): Uint8Array {
  return toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { event }));
}

function noticeFrame(notice: Notice): Uint8Array {
  return encode({ case: "notice", value: notice });
}
