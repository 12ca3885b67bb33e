import type { Cell, GroupKey } from "../../../../global/digest/cell.js";
import { encodeSchema } from "../../../../global/digest/wire-schema.js";
import { encodeVersion } from "../../../../global/digest/wire-version.js";
import type { SectionChunk } from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import type { Random } from "../../../../shared/random.js";
import { cells, groupKey, SCHEMA } from "../../../global/digest/model.js";
import type { Arms, AttackClass } from "../attack.js";
import { chunksOf, frameOf, inventSection, wholeOf } from "../material.js";

/** Enough for several chunks. */
const GROUPS = 1_200;

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

/** Chunks of a large section that was never published. */
function many(west: Arms["west"], summary = "machines", revision = west.revision + 1) {
  const groups = new Map<GroupKey, readonly Cell[]>();
  for (let i = 0; i < GROUPS; i++) groups.set(groupKey(`${i}${"x".repeat(120)}`), cells(i));
  const { version } = west.section("machines");
  const to = { ...version, revision };
  return chunksOf(wholeOf(inventSection({ region: west.region, summary }, to, groups)));
}

const say = (chunks: readonly SectionChunk[]): Uint8Array[] =>
  chunks.map((chunk) => frameOf({ chunks: [chunk] }));

/** Chunks out of their order, without the first, doubled, of two transfers in one. */
export const disorderedChunks: AttackClass = ({ random, west }) => {
  const one = many(west);
  const other = many(west, "machines", west.revision + 2);
  const plans: [string, readonly SectionChunk[]][] = [
    ["shuffled", shuffled(one, random)],
    ["without the first", one.slice(1)],
    ["the first again and again", Array.from({ length: 40 }, () => one[0] as SectionChunk)],
    ["after another's start", [one[0] as SectionChunk, ...other.slice(1)]],
    ["doubled", one.flatMap((chunk) => [chunk, chunk])],
    ["backwards", [...one].reverse()],
  ];
  const [what, chunks] = random.pick(plans);
  const isQuiet = what === "the first again and again";
  return { what: `chunks ${what}`, frames: say(chunks), ...(isQuiet ? {} : { shows: "refusal" }) };
};

/** Transfers of many sections that are begun and never end. */
export const endlessTransfers: AttackClass = ({ random, west }) => {
  const chunks = many(west);
  const [first] = chunks as [SectionChunk];
  const begun = Array.from({ length: 200 }, (_, i) => ({
    ...first,
    summary: `s${random.int(1e9)}-${i}`,
  }));
  return {
    what: "200 transfers that are begun and never end",
    frames: say(begun),
    shows: "refusal",
  };
};

/** Transfers that go on and on, of what takes little to say and much to keep. */
export const hoardedTransfers: AttackClass = ({ random, west }) => {
  const { id, version } = west.section("machines");
  const to = encodeVersion({ ...version, revision: west.revision + 1 });
  const root = new Uint8Array(32);
  const names = Array.from({ length: 60 }, () => `hoard-${random.int(1e9)}`);
  const measures = Array.from({ length: 64 }, (_, i) => ({
    name: `m${i}`,
    kind: "count" as const,
    scale: 0,
    limit: 0,
  }));
  const schema = encodeSchema({ ...SCHEMA, measures });
  const frames: Uint8Array[] = [];
  for (let chunk = 0; chunk < 3; chunk++) {
    const keys = Array.from({ length: 1_000 }, (_, i) => groupKey(`${chunk}-${i}`));
    const values = { case: "counts" as const, value: { values: keys.map(() => 1n) } };
    const columns = measures.map(() => ({ values }));
    for (const summary of names) {
      const head = { region: id.region, summary, to, root, chunk, chunks: 4_000, keys, columns };
      frames.push(frameOf({ chunks: [chunk === 0 ? { ...head, schema } : head] }));
    }
  }
  return { what: "60 transfers that grow and never end", frames, shows: "refusal" };
};
