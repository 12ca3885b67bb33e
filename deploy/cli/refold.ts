import { Content } from "../../global/digest/content.js";
import { GlobalState } from "../../global/digest/global-state.js";
import { toHex } from "../../global/digest/hash.js";
import { makeSection, RETIRED, type SectionClaim } from "../../global/digest/section.js";
import type { SourceEvent } from "../../global/source/types.js";
import { parseDefinition } from "../../global/summary/definition/parse.js";
import { SummaryEngine } from "../../global/summary/engine/engine.js";
import { FOLD_SEMANTICS } from "../../global/summary/types.js";
import { fromUtf8, prefixEnd, toBinaryKey, utf8 } from "../../shared/bytes.js";
import { AtollError } from "../../shared/errors.js";
import type { EtcdClient } from "../../shared/etcd/client.js";
import { parseIncarnation } from "../../shared/etcd/incarnation.js";
import type { KeyValue } from "../../shared/etcd/key-value.js";
import { INCARNATION_KEY, SUMMARIES_PREFIX } from "../../shared/etcd/keys.js";
import { range } from "../../shared/etcd/kv.js";
import { sha256 } from "../../shared/hash.js";

/** Keys that are asked for at once; fewer where their values are too large for one answer. */
const PAGE_KEYS = 2_000;

/** What a section's content should be, from the region's own state. */
export interface Refolded {
  /** Hexadecimal. */
  readonly root: string;
  readonly groups: number;
}

/**
 * Folds a summary from scratch, from the region's state at the revision that a section
 * claims. Throws FAILED_PRECONDITION saying why it can't be told: the revision was
 * compacted away, the region is in another life, or the rules are of another release.
 */
export async function refold(client: EtcdClient, claim: SectionClaim): Promise<Refolded> {
  const { id, version } = claim;
  const { revision, foldSemantics, incarnation } = version;
  if (foldSemantics !== FOLD_SEMANTICS) {
    throw unknowable(
      `it was folded by rules ${foldSemantics}, and this release knows ${FOLD_SEMANTICS}`,
    );
  }
  const life = await keyAt(client, INCARNATION_KEY, revision);
  if (life === undefined || parseIncarnation(fromUtf8(life.value)).nonce !== incarnation.nonce) {
    throw unknowable(
      `the region wasn't in incarnation ${incarnation.counter} (${incarnation.nonce})`,
    );
  }
  const key = SUMMARIES_PREFIX + id.summary;
  const newest = await keyAt(client, key, revision);
  if (newest === undefined) {
    const root = makeSection(id, version, RETIRED, Content.empty(sha256), sha256).root;
    return { root: toHex(root), groups: 0 };
  }
  // While a new definition is folded, or is wrong, the one before it is published.
  const stands = newest.modRevision === version.definition;
  const definition = stands ? newest : await keyAt(client, key, version.definition);
  if (definition === undefined) throw unknowable(`it has no definition at ${version.definition}`);
  return foldPages(client, claim, definition);
}

function unknowable(message: string): AtollError {
  return new AtollError("FAILED_PRECONDITION", message);
}

async function rangeAt(client: EtcdClient, query: Parameters<typeof range>[1]) {
  try {
    return await range(client, query);
  } catch (error) {
    if (!(error instanceof AtollError) || error.code !== "OUT_OF_RANGE") throw error;
    throw unknowable(`revision ${query.revision} can't be read any more: ${error.message}`);
  }
}

async function keyAt(
  client: EtcdClient,
  key: string,
  revision: number,
): Promise<KeyValue | undefined> {
  return (await rangeAt(client, { key, revision })).kvs[0];
}

function eventOf({ key, value, modRevision }: KeyValue): SourceEvent {
  return { key: toBinaryKey(key), value, modRevision };
}

async function foldPages(
  client: EtcdClient,
  { id, version }: SectionClaim,
  definition: KeyValue,
): Promise<Refolded> {
  const { revision, incarnation } = version;
  const state = new GlobalState(sha256);
  const engine = new SummaryEngine({ region: id.region, hash: sha256 });
  engine.input({ kind: "reset", incarnation, reason: "verification" });
  const load = (records: readonly SourceEvent[], done: boolean): void => {
    const output = engine.input({ kind: "load", scan: 0, records, done, revision });
    for (const publication of output.publications) state.publish(publication);
  };
  load([eventOf(definition)], false);
  const { prefix } = parseDefinition(fromUtf8(definition.value), id.summary);
  const end = prefixEnd(utf8(prefix));
  let key = utf8(prefix);
  let limit = PAGE_KEYS;
  for (;;) {
    let page: Awaited<ReturnType<typeof range>>;
    try {
      page = await rangeAt(client, { key, end, revision, limit });
    } catch (error) {
      const isTooLarge = error instanceof AtollError && error.code === "RESOURCE_EXHAUSTED";
      if (!isTooLarge || limit === 1) throw error;
      limit = Math.ceil(limit / 2);
      continue;
    }
    load(page.kvs.map(eventOf), !page.more);
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) break;
    // The least key behind the last one.
    key = Uint8Array.of(...last.key, 0);
  }
  const section = state.section(id);
  if (section === undefined) {
    throw unknowable(engine.statuses()[0]?.error ?? "the definition gives nothing");
  }
  return { root: toHex(section.root), groups: section.content.size };
}
