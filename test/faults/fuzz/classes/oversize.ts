import { create } from "@bufbuild/protobuf";
import type { Cell, GroupKey } from "../../../../global/digest/cell.js";
import { encodeSchema } from "../../../../global/digest/wire-schema.js";
import { encodeVersion } from "../../../../global/digest/wire-version.js";
import { encodeStanding } from "../../../../global/mesh/core/wire-standing.js";
import { fromBinaryKey } from "../../../../shared/bytes.js";
import { SectionChunkSchema } from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { MAX_MESH_FRAME_BYTES } from "../../../../shared/limits.js";
import { cells, groupKey } from "../../../global/digest/model.js";
import type { Attack, AttackClass } from "../attack.js";
import {
  attest,
  chunksOf,
  frameOf,
  inventSection,
  telling,
  wholeOf,
  wordFor,
} from "../material.js";

/** Frames beyond all bounds, on the wire or when they are inflated. */
export const oversizeFrames: AttackClass = ({ random }) => {
  const size = MAX_MESH_FRAME_BYTES + 1 + random.int(MAX_MESH_FRAME_BYTES);
  const frame = frameOf({ reports: [{ report: new Uint8Array(size) }] });
  const isRaw = random.chance(0.5);
  return {
    what: `a frame of ${frame.length} bytes, ${isRaw ? "plain" : "deflated"}`,
    ...(isRaw ? { raw: [frame] } : { frames: [frame] }),
    shows: "ended stream",
  };
};

/** Names, keys, sketches, lists of values that are longer than they may be; signed for, even. */
export const oversizeParts: AttackClass = ({ random, west }) => {
  const { id, version } = west.section("machines");
  const to = { ...version, revision: west.revision + 1 };
  const row = cells(1);
  const withCell = (at: number, cell: Cell): readonly Cell[] => row.toSpliced(at, 1, cell);
  const long = "x".repeat(2_000);
  const parts: [string, GroupKey, readonly Cell[]][] = [
    ["a group key", groupKey(long), row],
    ["a value", groupKey("a"), withCell(6, { kind: "any", packed: `\x04${long}` })],
    [
      "a sketch",
      groupKey("a"),
      withCell(4, { kind: "distinct", packed: `\x01${"\x01".repeat(9_000)}` }),
    ],
    [
      "a set",
      groupKey("a"),
      withCell(8, { kind: "set", packed: `\x00${"\x02\x04a".repeat(500)}` }),
    ],
    [
      "quantiles",
      groupKey("a"),
      withCell(5, { kind: "quantiles", packed: "\x01\x01".repeat(9_000) }),
    ],
  ];
  const [what, key, own] = random.pick(parts);
  const section = inventSection(id, to, new Map([[key, own]]));
  const word = attest(west.trust, [section]);
  return {
    what: `${what} that is too long`,
    frames: [telling(wholeOf(section), word)],
    shows: "refusal",
  };
};

/** A section of more groups than one may have, all in order. */
export const oversizeSection: AttackClass = ({ west }) => {
  const { id, version } = west.section("machines");
  const groups = new Map([[groupKey("a"), cells(1)]]);
  const { schema, root } = inventSection(id, version, groups);
  const measures = schema.measures.slice(0, 1);
  const size = 25_000;
  const frames = Array.from({ length: 5 }, (_, chunk) => {
    const keys = Array.from({ length: size }, (_, i) => groupKey(chunk * size + i));
    const columns = [
      { values: { case: "counts" as const, value: { values: keys.map(() => 1n) } } },
    ];
    return frameOf({
      chunks: [
        create(SectionChunkSchema, {
          ...id,
          to: encodeVersion({ ...version, revision: west.revision + 1 }),
          root: fromBinaryKey(root),
          chunk,
          chunks: 5,
          keys,
          columns,
          ...(chunk === 0 ? { schema: encodeSchema({ ...schema, measures }) } : {}),
        }),
      ],
    });
  });
  return { what: "a section of 125,000 groups", frames, shows: "refusal" };
};

/** Very many of what a frame may repeat. */
export const hugeCounts: AttackClass = ({ random, west }) => {
  const { incarnation } = west;
  const [chunk] = chunksOf(west.transfer("machines"));
  const word = wordFor(west, "machines");
  if (chunk === undefined || word === undefined) throw new Error("there is something to tell");
  const times = <T>(count: number, of: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => of(i));
  const standing = (region: string) =>
    encodeStanding({
      region,
      incarnation,
      revision: 9,
      sections: 1,
      ageMs: 0,
      path: ["west", region],
      rttMs: 1,
    });
  const many: [string, () => Attack["frames"]][] = [
    ["empty chunks", () => [frameOf({ chunks: times(400_000, () => ({})) })]],
    [
      "chunks of nobody",
      () => times(4, () => frameOf({ chunks: times(40_000, () => ({ region: "mars" })) })),
    ],
    ["empty attestations", () => [frameOf({ attestations: times(400_000, () => ({})) })]],
    ["empty orders", () => [frameOf({ orders: times(400_000, () => ({})) })]],
    ["empty reports", () => [frameOf({ reports: times(400_000, () => ({})) })]],
    ["empty standings", () => [frameOf({ standings: times(400_000, () => ({})) })]],
    ["empty claims", () => [frameOf({ claims: times(400_000, () => ({})) })]],
    [
      "columns",
      () => [
        telling(
          [
            {
              ...chunk,
              columns: times(
                200_000,
                () => create(SectionChunkSchema, { columns: [{}] }).columns[0] as never,
              ),
            },
          ],
          word,
        ),
      ],
    ],
    [
      "regions",
      () => times(20, (k) => frameOf({ standings: times(1_000, (i) => standing(`r${k}-${i}`)) })),
    ],
  ];
  const [what, make] = random.pick(many);
  return { what: `very many ${what}`, frames: make() ?? [] };
};

/** A frame's own text in what is refused: nothing of it may be kept or shown whole. */
export const longNames: AttackClass = ({ random, west }) => {
  const name = (): string => `${random.int(1e9)}${"\u00e9".repeat(300_000)}`;
  const [chunk] = chunksOf(west.transfer("machines"));
  if (chunk === undefined) throw new Error("a section has a chunk at least");
  const frames = Array.from({ length: 9 }, (_, i) =>
    frameOf({
      chunks: [i % 2 === 0 ? { ...chunk, summary: name() } : { ...chunk, region: name() }],
    }),
  );
  return { what: "names of 600,000 bytes", frames, shows: "refusal" };
};
