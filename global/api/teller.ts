import { create } from "@bufbuild/protobuf";
import { asBuffer } from "../../shared/bytes.js";
import { NoticeKind, NoticeSchema } from "../../shared/gen/atoll/global/v1/global_pb.js";
import { RESUME_CATCH_UP_MS } from "../../shared/limits.js";
import type { MergedSnapshot } from "../view/merged-summary.js";
import type { RegionReading } from "../view/view.js";
import type { ContractDesk, Misses } from "./contract-desk.js";
import type { Feed, FeedState } from "./feed.js";
import { heartbeatFrame, noticeFrame } from "./frames.js";
import type { Hub } from "./hub.js";
import { freshnessMessage } from "./messages.js";
import { type Position, placesOf, samePosition, type Waiting } from "./position.js";
import { resume } from "./resume.js";
import { encodeToken } from "./resume-token.js";
import { updateBodies, updateFrame } from "./update-messages.js";
import type { ViewChange } from "./view-source.js";
import type { Wanted } from "./wanted.js";

const NO_TOKEN = new Uint8Array(0);

/**
 * Finds what leads subscribers with one question from where they stand to now. It
 * queues nothing: however long a subscriber takes, the next messages lead to the latest
 * state. All methods that take `frames` append encoded messages to it and give the
 * position after them.
 */
export class Teller {
  readonly #hub: Hub;
  readonly #desk: ContractDesk;
  readonly #wanted: Wanted;
  readonly #feeds = new Map<string, Feed>();
  /** Where all are who were told everything; one object, so that they are seen to be there. */
  #front: Position | undefined;

  constructor(hub: Hub, desk: ContractDesk, wanted: Wanted) {
    this.#hub = hub;
    this.#desk = desk;
    this.#wanted = wanted;
  }

  /** Whether a change can be of interest. */
  concerns({ region, summary }: ViewChange): boolean {
    const { summaries, regions } = this.#wanted;
    return (
      (regions === undefined || regions.includes(region)) &&
      (summaries === undefined || summary === undefined || summaries.includes(summary))
    );
  }

  /** Tells what happened to regions and summaries. */
  notices(from: Position, frames: Uint8Array[]): Position {
    const { notices } = this.#hub;
    for (const notice of from.pending) frames.push(noticeFrame(notice));
    const nextNotice = notices.end;
    if (from.nextNotice === nextNotice && from.pending.length === 0) return from;
    const position: Position = { ...from, pending: [], nextNotice };
    const missed = notices.since(from.nextNotice);
    if (missed === undefined) {
      const message = "more happened than this gateway keeps for a subscriber this slow";
      frames.push(noticeFrame(create(NoticeSchema, { kind: NoticeKind.RESET, message })));
      return { ...position, told: new Map() };
    }
    for (const notice of missed) {
      const { region, summary } = notice;
      if (this.concerns({ region, summary: summary === "" ? undefined : summary })) {
        frames.push(noticeFrame(notice));
      }
    }
    return position;
  }

  /**
   * Tells what changed, summary by summary. Throws FAILED_PRECONDITION and the like when
   * the contract isn't met and misses aren't to be annotated.
   */
  updates(from: Position, nowMs: number, frames: Uint8Array[]): Position {
    let position = from;
    for (const summary of this.#summaries(from)) {
      const state = this.#feed(summary).current();
      const waiting = position.waiting.get(summary);
      position =
        waiting === undefined
          ? this.#advance(position, summary, state, frames)
          : this.#resume(position, summary, waiting, state, nowMs, frames);
    }
    const complete = position.waiting.size === 0;
    if (position.complete !== complete) position = { ...position, complete };
    return this.#settled(position);
  }

  /**
   * The message of the moment: all regions' freshness, and where to resume. Throws as
   * `updates` does.
   */
  heartbeat(position: Position): Uint8Array {
    const only = this.#only;
    const parts = only === undefined ? undefined : position.told.get(only)?.merged.parts;
    const { readings, misses } = this.#standing(parts);
    if (position.complete) this.#insist(misses);
    return heartbeatFrame({
      regions: readings.map((reading) => freshnessMessage(reading, misses.get(reading.region))),
      resumeToken: this.#token(position),
      complete: position.complete,
    });
  }

  /** Gives back what it shares with others. */
  close(): void {
    for (const summary of this.#feeds.keys()) this.#hub.release(summary, this.#wanted.regions);
    this.#feeds.clear();
  }

  /** The one object for a position where all is told. */
  #settled(position: Position): Position {
    if (this.#front !== undefined && samePosition(this.#front, position)) return this.#front;
    if (position.complete && position.pending.length === 0) this.#front = position;
    return position;
  }

  #token(position: Position): Uint8Array {
    return encodeToken(this.#wanted.fingerprint, placesOf(position));
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

  #advance(from: Position, summary: string, state: FeedState, frames: Uint8Array[]): Position {
    const told = from.told.get(summary);
    if (told === state) return from;
    if (told === undefined && state.merged.schema === undefined) return from;
    const { groups, byRegion, fingerprint } = this.#wanted;
    const bodies = this.#feed(summary).bodies(told, state, groups, fingerprint, byRegion);
    const position = { ...from, told: new Map(from.told).set(summary, state) };
    this.#cover(bodies, summary, told, state, position, frames);
    return position;
  }

  #resume(
    from: Position,
    summary: string,
    waiting: Waiting,
    state: FeedState,
    nowMs: number,
    frames: Uint8Array[],
  ): Position {
    const resumed = resume(this.#hub.source.view.state, summary, waiting.place, state);
    if (resumed.kind === "wait" && (waiting.untilMs === undefined || nowMs < waiting.untilMs)) {
      if (waiting.untilMs !== undefined) return from;
      const { region } = resumed;
      const message = `this gateway holds less of ${region} than the token; waiting for it`;
      const kind = NoticeKind.BEHIND;
      frames.push(noticeFrame(create(NoticeSchema, { kind, region, summary, message })));
      const later = { place: waiting.place, untilMs: nowMs + RESUME_CATCH_UP_MS };
      return { ...from, waiting: new Map(from.waiting).set(summary, later) };
    }
    const rest = new Map(from.waiting);
    rest.delete(summary);
    if (resumed.kind === "news") {
      const { groups, byRegion } = this.#wanted;
      const bodies = updateBodies(resumed.news, groups, byRegion);
      const told = new Map(from.told).set(summary, state);
      const position = { ...from, waiting: rest, told };
      this.#cover(bodies, summary, undefined, state, position, frames);
      return position;
    }
    const late = `this gateway still holds less of ${resumed.region} than the token`;
    const [kind, message] =
      resumed.kind === "wait" ? [NoticeKind.RESET, late] : [resumed.notice, resumed.message];
    const { region } = resumed;
    frames.push(noticeFrame(create(NoticeSchema, { kind, region, summary, message })));
    return this.#advance({ ...from, waiting: rest }, summary, state, frames);
  }

  /** Appends encoded updates with what goes with them: freshness, and where the consumer is then. */
  #cover(
    bodies: readonly Uint8Array[],
    summary: string,
    told: FeedState | undefined,
    state: FeedState,
    position: Position,
    frames: Uint8Array[],
  ): void {
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
      const cover = {
        regions: index === 0 ? regions : [],
        resumeToken: isLast && tokenInUpdates ? this.#token(position) : NO_TOKEN,
      };
      frames.push(asBuffer(updateFrame(body, cover)));
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

  #summaries({ told, waiting }: Position): Iterable<string> {
    const { summaries } = this.#wanted;
    if (summaries !== undefined) return summaries;
    const names = new Set(this.#hub.source.view.summaries());
    for (const summary of told.keys()) names.add(summary);
    for (const summary of waiting.keys()) names.add(summary);
    return names;
  }
}
