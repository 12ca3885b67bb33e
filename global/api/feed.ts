import { MAX_SHARED_NEWS, MAX_SHARED_UPDATES } from "../../shared/limits.js";
import { Content } from "../digest/content.js";
import type { HashFunction } from "../digest/hash.js";
import type { Section } from "../digest/section.js";
import type { GroupFilter } from "../view/group-filter.js";
import { type MergedSnapshot, MergedSummary } from "../view/merged-summary.js";
import { type GroupNews, type SummaryNews, updateBodies } from "./update-messages.js";
import type { ViewSource } from "./view-source.js";

/** A summary at one moment, as one selection of regions has it. Never changes. */
export interface FeedState {
  readonly merged: MergedSnapshot;
  /** What each region publishes, its definition whatever it is. */
  readonly sections: ReadonlyMap<string, Section>;
}

interface SharedNews {
  readonly from: FeedState | undefined;
  readonly to: FeedState;
  readonly news: SummaryNews;
}

interface SharedUpdate {
  readonly from: FeedState | undefined;
  readonly to: FeedState;
  readonly filterKey: string;
  readonly bodies: readonly Uint8Array[];
}

/**
 * One summary over one selection of regions, for all subscribers to it: merged once for
 * all of them, and what they get encoded once for those with equal filters and place.
 * A subscriber's place is a state that it has been told; nothing is queued for it.
 */
export class Feed {
  readonly summary: string;
  readonly #source: ViewSource;
  /** Undefined for all that are known. */
  readonly #regions: readonly string[] | undefined;
  readonly #merge: MergedSummary;
  readonly #empty: Content;
  readonly #shared: SharedUpdate[] = [];
  readonly #news: SharedNews[] = [];
  #state: FeedState | undefined;
  #dirty = true;

  constructor(
    source: ViewSource,
    summary: string,
    regions: readonly string[] | undefined,
    hash: HashFunction,
  ) {
    this.#source = source;
    this.summary = summary;
    this.#regions = regions;
    this.#merge = new MergedSummary(hash);
    this.#empty = Content.empty(hash);
  }

  /** To be called when the view moved: the next `current` looks again. */
  touch(): void {
    this.#dirty = true;
  }

  /** The state now; the same object while nothing changes. */
  current(): FeedState {
    if (!this.#dirty && this.#state !== undefined) return this.#state;
    this.#dirty = false;
    const { view } = this.#source;
    const regions = this.#regions ?? view.regions(this.#source.links());
    const merged = this.#merge.refresh(view.select(this.summary, regions));
    const sections = new Map<string, Section>();
    for (const region of regions) {
      const section = view.state.section({ region, summary: this.summary });
      if (section?.schema.retired === false) sections.set(region, section);
    }
    const last = this.#state;
    if (last !== undefined && last.merged === merged && sameSections(last.sections, sections)) {
      return last;
    }
    this.#state = { merged, sections };
    return this.#state;
  }

  /**
   * What leads from one state to another (from nothing, all of it) as encoded messages,
   * shared among subscribers with the same question.
   */
  bodies(
    from: FeedState | undefined,
    to: FeedState,
    filter: GroupFilter,
    filterKey: string,
    byRegion: boolean,
  ): readonly Uint8Array[] {
    const shared = this.#shared.find(
      (entry) => entry.from === from && entry.to === to && entry.filterKey === filterKey,
    );
    if (shared !== undefined) return shared.bodies;
    const bodies = updateBodies(this.#newsBetween(from, to), filter, byRegion);
    this.#shared.unshift({ from, to, filterKey, bodies });
    this.#shared.length = Math.min(this.#shared.length, MAX_SHARED_UPDATES);
    return bodies;
  }

  /** What differs, found once for all filters. */
  #newsBetween(from: FeedState | undefined, to: FeedState): SummaryNews {
    const shared = this.#news.find((entry) => entry.from === from && entry.to === to);
    if (shared !== undefined) return shared.news;
    const news: SummaryNews = {
      summary: this.summary,
      merged: this.#groupNews(from?.merged, to.merged),
      others: to.merged.others,
      othersChanged: from?.merged.others.join() !== to.merged.others.join(),
      byRegion: this.#newsByRegion(from, to),
    };
    this.#news.unshift({ from, to, news });
    this.#news.length = Math.min(this.#news.length, MAX_SHARED_NEWS);
    return news;
  }

  #newsByRegion(from: FeedState | undefined, to: FeedState): Map<string, GroupNews> {
    const news = new Map<string, GroupNews>();
    for (const [region, section] of to.sections) {
      const before = from?.sections.get(region);
      if (before !== section) news.set(region, this.#groupNews(before, section));
    }
    for (const region of from?.sections.keys() ?? []) {
      if (!to.sections.has(region)) {
        news.set(region, { reset: true, schema: undefined, changed: [], removed: [] });
      }
    }
    return news;
  }

  #groupNews(
    before: Pick<MergedSnapshot, "schema" | "content"> | undefined,
    now: Pick<MergedSnapshot, "schema" | "content">,
  ): GroupNews {
    const { schema } = now;
    const reset = before === undefined || before.schema?.fingerprint !== schema?.fingerprint;
    const { changed, removed } = now.content.since(reset ? this.#empty : before.content);
    return { reset, schema, changed, removed: removed.map((leaf) => leaf.key) };
  }
}

function sameSections(a: ReadonlyMap<string, Section>, b: ReadonlyMap<string, Section>): boolean {
  if (a.size !== b.size) return false;
  for (const [region, section] of b) if (a.get(region) !== section) return false;
  return true;
}
