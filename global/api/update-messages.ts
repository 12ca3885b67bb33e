import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type RegionChanges,
  RegionChangesSchema,
  type RegionFreshness,
  SubscribeResponseSchema,
  type Update,
  UpdateSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_CELL_BYTES_PER_MESSAGE, MAX_GROUPS_PER_UPDATE } from "../../shared/limits.js";
import type { GroupKey } from "../digest/cell.js";
import type { Leaf } from "../digest/leaf.js";
import type { Schema } from "../digest/section.js";
import type { GroupFilter } from "../view/group-filter.js";
import { messageBytes } from "./message-size.js";
import { definitionMessage, groupMessage } from "./messages.js";

/** Groups of one schema that changed; with `reset`, all there are. */
export interface GroupNews {
  readonly reset: boolean;
  /** Undefined when there is nothing any more. */
  readonly schema: Schema | undefined;
  readonly changed: readonly Leaf[];
  readonly removed: readonly GroupKey[];
}

/** All that one update of one summary says, but for the freshness that goes with it. */
export interface SummaryNews {
  readonly summary: string;
  readonly merged: GroupNews;
  /** Regions that publish another definition, and whether that is news. */
  readonly others: readonly string[];
  readonly othersChanged: boolean;
  /** By region. */
  readonly byRegion: ReadonlyMap<string, GroupNews>;
}

/** Where a message holds groups: merged ones, or one region's. */
type Place = Pick<Update | RegionChanges, "groups" | "removed">;

/** Gathers one update into messages of a bounded number of groups and of bytes. */
class UpdateCutter {
  readonly #summary: string;
  readonly #others: readonly string[];
  readonly updates: Update[] = [];
  /** Nothing was added. */
  empty = true;
  #room = 0;
  #bytesLeft = 0;

  constructor(summary: string, others: readonly string[]) {
    this.#summary = summary;
    this.#others = others;
    this.#next();
  }

  /** Adds news; `open` begins its place in a message and is called again for each further one. */
  add(news: GroupNews, filter: GroupFilter, open: (update: Update, first: boolean) => Place): void {
    if (news.reset) this.empty = false;
    let place = open(this.#current(), true);
    const take = (bytes: number): Place => {
      const isFull =
        this.#room === 0 || (bytes > this.#bytesLeft && this.#room < MAX_GROUPS_PER_UPDATE);
      if (isFull) place = open(this.#next(), false);
      this.#room--;
      this.#bytesLeft -= bytes;
      this.empty = false;
      return place;
    };
    for (const { key, cells } of news.changed) {
      if (news.schema !== undefined && filter.matches(key)) {
        take(messageBytes(cells, false)).groups.push(groupMessage(key, cells, news.schema));
      }
    }
    for (const key of news.removed) if (filter.matches(key)) take(0).removed.push(key);
  }

  #current(): Update {
    return this.updates.at(-1) as Update;
  }

  #next(): Update {
    const last = this.updates.at(-1);
    if (last !== undefined) last.more = true;
    const update = create(UpdateSchema, {
      summary: this.#summary,
      otherDefinition: [...this.#others],
    });
    this.updates.push(update);
    this.#room = MAX_GROUPS_PER_UPDATE;
    this.#bytesLeft = MAX_CELL_BYTES_PER_MESSAGE;
    return update;
  }
}

/**
 * News as encoded `Update` messages without freshness; none when the filter leaves
 * nothing. Subscribers with equal filters share them.
 */
export function updateBodies(
  news: SummaryNews,
  filter: GroupFilter,
  byRegion: boolean,
): readonly Uint8Array[] {
  const cutter = new UpdateCutter(news.summary, news.others);
  const { merged } = news;
  cutter.add(merged, filter, (update, first) => {
    if (first && merged.reset) {
      update.reset = true;
      if (merged.schema !== undefined) update.definition = definitionMessage(merged.schema);
    }
    return update;
  });
  if (byRegion) {
    for (const [region, own] of news.byRegion) {
      cutter.add(own, filter, (update, first) => {
        const changes = create(RegionChangesSchema, { region });
        if (first && own.reset) {
          changes.reset = true;
          if (own.schema !== undefined) changes.definition = definitionMessage(own.schema);
        }
        update.byRegion.push(changes);
        return changes;
      });
    }
  }
  if (cutter.empty && !news.othersChanged) return [];
  return cutter.updates.map((update) => toBinary(UpdateSchema, update));
}

/** What goes with one subscriber's copy of an update. */
export interface UpdateCover {
  readonly regions: RegionFreshness[];
  readonly resumeToken: Uint8Array;
}

/**
 * An encoded `SubscribeResponse` of an encoded update and what goes with it: the bytes
 * of two `Update`s in a row are one with the fields of both.
 */
export function updateFrame(body: Uint8Array, cover: UpdateCover): Uint8Array {
  const own = toBinary(UpdateSchema, create(UpdateSchema, cover));
  return new BinaryWriter()
    .tag(SubscribeResponseSchema.field.update.number, WireType.LengthDelimited)
    .uint32(body.length + own.length)
    .raw(body)
    .raw(own)
    .finish();
}
