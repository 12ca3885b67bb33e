import { assert } from "../../shared/assert.js";
import { NoticeKind } from "../../shared/gen/atoll/global/v1/global_pb.js";
import type { GroupKey } from "../digest/cell.js";
import { Content } from "../digest/content.js";
import type { DeltaTransfer } from "../digest/delta.js";
import type { StateReader } from "../digest/global-state.js";
import type { Leaf } from "../digest/leaf.js";
import type { Section } from "../digest/section.js";
import { compareVersions, type Version } from "../digest/version.js";
import type { FeedState } from "./feed.js";
import type { PartPlace, SummaryPlace } from "./resume-token.js";
import type { GroupNews, SummaryNews } from "./update-messages.js";

/** How a consumer that stands at a place goes on with a summary. */
export type Resumption =
  /** This gateway holds less of the region than the consumer had. */
  | { readonly kind: "wait"; readonly region: string }
  /** It can't: a snapshot must follow. */
  | {
      readonly kind: "reset";
      readonly notice: NoticeKind;
      readonly region: string;
      readonly message: string;
    }
  /** Only what is newer. */
  | { readonly kind: "news"; readonly news: SummaryNews };

type PartResumption =
  | Exclude<Resumption, { kind: "news" }>
  | { readonly kind: "delta"; readonly delta: DeltaTransfer | undefined };

/** Finds what a consumer at `place` misses of a summary, told from the parts' own histories. */
export function resume(
  state: StateReader,
  summary: string,
  place: SummaryPlace,
  now: FeedState,
): Resumption {
  const { schema, parts, content } = now.merged;
  const touched = new Set<GroupKey>();
  const byRegion = new Map<string, GroupNews>();
  let reset: Extract<Resumption, { kind: "reset" }> | undefined;
  for (const [region, partPlace] of place.parts) {
    const resumed = resumePart(state, summary, region, partPlace, parts.get(region));
    if (resumed.kind === "wait") return resumed;
    if (resumed.kind === "reset") reset ??= resumed;
    else if (resumed.delta !== undefined && resumed.delta.changes.size > 0) {
      for (const key of resumed.delta.changes.keys()) touched.add(key);
      const part = parts.get(region) as Section;
      byRegion.set(region, {
        reset: false,
        schema: part.schema,
        ...leavesOf(part.content, resumed.delta.changes.keys()),
      });
    }
  }
  if (schema?.fingerprint !== place.fingerprint) {
    const message = "another definition is merged now";
    return { kind: "reset", notice: NoticeKind.DEFINITION_CHANGE, region: "", message };
  }
  if (reset !== undefined) return reset;
  for (const [region, section] of now.sections) {
    if (place.parts.has(region)) continue;
    const changed = [...section.content.leaves()];
    byRegion.set(region, { reset: true, schema: section.schema, changed, removed: [] });
    if (parts.has(region)) for (const { key } of changed) touched.add(key);
  }
  const merged: GroupNews = { reset: false, schema, ...leavesOf(content, touched) };
  const { others } = now.merged;
  return { kind: "news", news: { summary, merged, others, othersChanged: true, byRegion } };
}

function resumePart(
  state: StateReader,
  summary: string,
  region: string,
  place: PartPlace,
  part: Section | undefined,
): PartResumption {
  const had = place.version;
  const register = state.region(region);
  if (register === undefined) {
    if (!state.forgotten.has(region)) return { kind: "wait", region };
    return reset(NoticeKind.FORGOTTEN, region, "the region was removed for good");
  }
  const { counter } = register.incarnation;
  if (counter < had.incarnation.counter) return { kind: "wait", region };
  if (counter > had.incarnation.counter) {
    return reset(NoticeKind.RESTORE, region, `the region was restored as incarnation ${counter}`);
  }
  if (register.incarnation.nonce !== had.incarnation.nonce) {
    return reset(NoticeKind.CONFLICT, region, "this gateway holds another life of the region");
  }
  const section = register.section(summary);
  if (section === undefined) return { kind: "wait", region };
  if (compareVersions(section.version, had) < 0) {
    const isSame = section === part && hasSameGroups(state, section, place);
    return isSame ? { kind: "delta", delta: undefined } : { kind: "wait", region };
  }
  if (section.schema.retired) {
    return reset(NoticeKind.RETIRED, region, "the region has deleted the summary");
  }
  // Failing its version, it can go on from when its groups were the same.
  const from = [had, sameGroupsAs(place)].find((at) => state.canTellSince(section.id, at));
  if (section !== part || from === undefined) {
    return reset(NoticeKind.GAP, region, "its changes since then can't be told apart any more");
  }
  return { kind: "delta", delta: deltaSince(state, section, from) };
}

/** The earliest version that is known to have had a consumer's groups. */
function sameGroupsAs({ version, sameSince }: PartPlace): Version {
  return { ...version, revision: sameSince };
}

/** What changed since a version from which that can be told; undefined when nothing is newer. */
function deltaSince(state: StateReader, { id }: Section, from: Version): DeltaTransfer | undefined {
  const transfer = state.transferSince(id, from);
  assert(transfer?.kind !== "whole", "what can be told apart is told by a delta");
  return transfer;
}

/** Whether a section that isn't as new as the consumer's has the same groups all the same. */
function hasSameGroups(state: StateReader, section: Section, place: PartPlace): boolean {
  const from = sameGroupsAs(place);
  if (from.revision > section.version.revision || !state.canTellSince(section.id, from))
    return false;
  return (deltaSince(state, section, from)?.changes.size ?? 0) === 0;
}

function reset(notice: NoticeKind, region: string, message: string): PartResumption {
  return { kind: "reset", notice, region, message };
}

function leavesOf(
  content: Content,
  keys: Iterable<GroupKey>,
): { changed: Leaf[]; removed: GroupKey[] } {
  const changed: Leaf[] = [];
  const removed: GroupKey[] = [];
  for (const key of keys) {
    const leaf = content.get(key);
    if (leaf === undefined) removed.push(key);
    else changed.push(leaf);
  }
  return { changed, removed };
}
