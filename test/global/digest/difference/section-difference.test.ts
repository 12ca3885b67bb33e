import { create, fromBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cell, GroupKey } from "../../../../global/digest/cell.js";
import type { DeltaTransfer } from "../../../../global/digest/delta.js";
import {
  followSection,
  leadsFrom,
  tellDifference,
} from "../../../../global/digest/difference/section-difference.js";
import { makeSection, type Section } from "../../../../global/digest/section.js";
import { TransferAssembler } from "../../../../global/digest/transfer-assembler.js";
import { encodeDifference } from "../../../../global/digest/wire-transfer.js";
import {
  DifferenceSchema,
  type SectionChunk,
  SectionChunkSchema,
} from "../../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import { key, row } from "../arbitrary.js";
import { cells, contentOf, groupKey, incarnation, SCHEMA, version } from "../model.js";

/**
 * A delta told by what the receiver has of the section comes off the wire as it went on,
 * and whatever else comes is refused by name.
 */

const ID = { region: "us-east", summary: "machines" };
const FROM = 4;

type Groups = ReadonlyMap<GroupKey, readonly Cell[]>;
type Changes = ReadonlyMap<GroupKey, readonly Cell[] | undefined>;

function sectionOf(groups: Groups, at = FROM): Section {
  return makeSection(ID, version(at), SCHEMA, contentOf(groups), sha256);
}

function deltaOf(changes: Changes): DeltaTransfer {
  return { kind: "delta", id: ID, to: version(9), from: FROM, changes, root: "r".repeat(32) };
}

function chunkOf(base: Section, changes: Changes): SectionChunk | undefined {
  const encoded = encodeDifference(base, deltaOf(changes));
  return encoded && fromBinary(SectionChunkSchema, encoded);
}

/** Sections, and changes of some of their groups and of others. */
const lives = fc
  .uniqueArray(
    fc.record({
      key,
      before: fc.option(row, { nil: undefined }),
      after: fc.option(fc.oneof(row, fc.constant("same" as const)), { nil: undefined }),
      isTouched: fc.boolean(),
    }),
    { selector: (group) => group.key, maxLength: 30 },
  )
  .map((all) => {
    const groups = new Map<GroupKey, readonly Cell[]>();
    const changes = new Map<GroupKey, readonly Cell[] | undefined>();
    for (const { key: name, before, after, isTouched } of all) {
      if (before !== undefined) groups.set(name, before);
      if (isTouched) changes.set(name, after === "same" ? before : after);
    }
    return { base: sectionOf(groups), changes };
  });

const numbered = (numbers: Iterable<number>): Groups =>
  new Map([...numbers].map((n) => [groupKey(n), cells(n)] as const));

describe("a delta by differences", () => {
  test("says what the absolute one says", () => {
    let told = 0;
    fc.assert(
      fc.property(lives, ({ base, changes }) => {
        const chunk = chunkOf(base, changes);
        if (chunk === undefined) return;
        told++;
        expect(leadsFrom(base, chunk)).toBe(true);
        expect(new TransferAssembler().add(chunk, base)).toEqual(deltaOf(changes));
      }),
    );
    expect(told).toBeGreaterThan(50);
  });

  test("names what is new, and tells the rest by places and changed cells", () => {
    const before = numbered(Array.from({ length: 1_000 }, (_, n) => n));
    const changed = cells(500).map((cell) =>
      cell.kind === "count" ? { ...cell, count: 501 } : cell,
    );
    const base = sectionOf(before);
    const told = chunkOf(
      base,
      new Map<GroupKey, readonly Cell[] | undefined>([
        [groupKey(500), changed],
        [groupKey(501), cells(501)],
        [groupKey(502), undefined],
        [groupKey("new"), cells(1)],
        [groupKey("came and went"), undefined],
      ]),
    );
    expect(told?.keys).toEqual([groupKey("new")]);
    expect(told?.removed).toEqual([groupKey("came and went")]);
    expect(told?.difference?.columns[0]).toHaveLength(2);
    expect(told?.difference?.columns.slice(1).every(({ length }) => length === 0)).toBe(true);
  });

  test("is not told where sums are too far apart, nor when it is too long for a chunk", () => {
    const one = (scaled: bigint): readonly Cell[] =>
      cells(1).map((cell) => (cell.kind === "sum" ? { kind: "sum", scaled } : cell));
    const base = sectionOf(new Map([[groupKey(1), one(-(2n ** 62n))]]));
    expect(tellDifference(base, new Map([[groupKey(1), one(2n ** 62n)]]))).toBeUndefined();
    expect(tellDifference(base, new Map([[groupKey(1), one(0n)]]))).toBeUndefined();
    expect(tellDifference(base, new Map([[groupKey(1), one(-(2n ** 62n) + 7n)]]))).toBeDefined();
    const many = numbered(Array.from({ length: 5_000 }, (_, n) => n));
    expect(chunkOf(base, many)).toBeUndefined();
  });

  test("is from one version only", () => {
    const groups = numbered([1, 2]);
    const chunk = chunkOf(sectionOf(groups), numbered([1])) as SectionChunk;
    expect(leadsFrom(sectionOf(groups, FROM + 1), chunk)).toBe(false);
    const later = { ...sectionOf(groups), version: version(FROM, { incarnation: incarnation(2) }) };
    expect(leadsFrom(later, chunk)).toBe(false);
  });
});

describe("what is refused", () => {
  const base = sectionOf(numbered([1, 2, 3]));
  const empty = SCHEMA.measures.map(() => new Uint8Array(0));

  /** Differences of the first group, of one measure. */
  function one(measure: number, ...bytes: number[]): () => void {
    const columns = empty.with(measure, Uint8Array.from(bytes));
    const message = create(DifferenceSchema, { groups: Uint8Array.of(0), columns });
    return () => followSection(base, message, "it");
  }

  test("groups that aren't there, or twice", () => {
    const follow = (...groups: number[]) => {
      const message = create(DifferenceSchema, { groups: Uint8Array.from(groups), columns: empty });
      return () => followSection(base, message, "it");
    };
    expect(follow(0, 2, 2)).not.toThrow();
    expect(follow(6)).toThrow("it groups has group 3 of 3");
    expect(follow(2, 0)).toThrow("it groups has a group twice");
    expect(follow(0x80)).toThrow("it groups ends too early");
  });

  test("columns that don't fit", () => {
    const message = create(DifferenceSchema, { groups: Uint8Array.of(0), columns: [] });
    expect(() => followSection(base, message, "it")).toThrow("it columns are 0 for 10 measures");
    expect(one(0, 2, 2)).toThrow("it columns[0] is longer than its groups");
    expect(one(1, 0x80)).toThrow("it columns[1] ends too early");
  });

  test("cells that no region has", () => {
    expect(one(0, 0xff, 0x01)).toThrow("it columns[0] leads to -");
    expect(one(2, 3)).toThrow("it columns[2] has a difference of kind 3");
    expect(one(2, 2, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0)).toThrow("it columns[2] leads to Infinity");
    expect(one(4, 1, 62)).toThrow("it columns[4] has a rank of 62");
    expect(one(4, 2, 65, 1)).toThrow("it columns[4] changes a register twice");
    expect(one(4, 1, 0x80, 0x80, 0x80, 1)).toThrow("it columns[4] has more than 4096 registers");
    expect(one(5, 1, 2, 0x7f)).toThrow("takes more from bin");
    expect(one(5, 2, 1, 1)).toThrow("it columns[5] changes a bin twice");
    expect(one(6, 1)).toThrow("it columns[6] has a difference of kind 1");
    expect(one(6, 2, 1, 9)).toThrow("it columns[6]");
  });

  test("any bytes whatever, by a clear error or with canonical cells", () => {
    const bytes = fc.uint8Array({ maxLength: 12 });
    const messages = fc.record({
      groups: fc.oneof(fc.constant(Uint8Array.of(0)), bytes),
      measure: fc.nat(SCHEMA.measures.length - 1),
      column: bytes,
    });
    fc.assert(
      fc.property(messages, ({ groups, measure, column }) => {
        const columns = empty.with(measure, column);
        const message = create(DifferenceSchema, { groups, columns });
        let followed: Changes;
        try {
          followed = followSection(base, message, "it");
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
          return;
        }
        const chunk = chunkOf(base, followed);
        expect(chunk && new TransferAssembler().add(chunk, base)).toEqual(deltaOf(followed));
      }),
      { numRuns: 2_000 },
    );
  });

  test("a difference from nothing", () => {
    const chunk = chunkOf(base, numbered([1])) as SectionChunk;
    expect(() => new TransferAssembler().add(chunk)).toThrow("is from a section that isn't here");
    const several = { ...chunk, chunks: 2 };
    expect(() => new TransferAssembler().add(several, base)).toThrow(
      "must be of a delta in one chunk",
    );
  });
});
