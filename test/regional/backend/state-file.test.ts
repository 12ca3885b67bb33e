import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packedSize, packRecord, unpack } from "../../../regional/backend/packed.js";
import { StateFile } from "../../../regional/backend/state-file.js";
import type { BackendRecord, RecordTable } from "../../../regional/store/records.js";
import { AtollError } from "../../../shared/errors.js";
import { seededRandom } from "../../../shared/random.js";
import { identity } from "../log/entries.js";
import { tempDirectory } from "../log/support.js";
import { positionAt } from "./positions.js";
import { lease, meta, row } from "./records.js";
import { describeRecord } from "./support.js";

const value = fc.option(fc.uint8Array({ maxLength: 60 }));
const number = fc.oneof(fc.nat(8), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const records: fc.Arbitrary<BackendRecord[]> = fc.array(
  fc.oneof(
    fc.record({ table: fc.constantFrom<RecordTable>(1, 2, 4), key: number, value }),
    fc.record({
      table: fc.constant<RecordTable>(3),
      key: fc.uint8Array({ maxLength: 2 }),
      value,
    }),
  ),
  { maxLength: 30 },
);

function pack(list: readonly BackendRecord[]): Buffer {
  const packed = Buffer.alloc(list.reduce((sum, record) => sum + packedSize(record), 0));
  let at = 0;
  for (const record of list) at = packRecord(record, packed, at);
  expect(at).toBe(packed.length);
  return packed;
}

function unpacked(packed: Buffer): string[] {
  const all: string[] = [];
  unpack(packed, (record) => all.push(describeRecord(record)));
  return all;
}

function read(path: string, pieceBytes = 100): string[] {
  const file = StateFile.open(path, identity);
  try {
    return [...file.records(pieceBytes)].flatMap(unpacked);
  } finally {
    file.close();
  }
}

function sortKey({ table, key }: BackendRecord): string {
  const text =
    typeof key === "number" ? String(key).padStart(16, "0") : Buffer.from(key).toString("hex");
  return `${table}/${text}`;
}

describe("the state database's file", () => {
  it("gives records back as they were packed", () => {
    fc.assert(
      fc.property(records, (list) => {
        expect(unpacked(pack(list))).toEqual(list.map(describeRecord));
      }),
    );
  });

  it("holds the last value of each key, in order, and the last position", () => {
    const directory = tempDirectory();
    let run = 0;
    fc.assert(
      fc.property(
        fc.array(records, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (batches, tidy) => {
          const path = join(directory, `${run++}.db`);
          const file = StateFile.open(path, identity);
          const model = new Map<string, BackendRecord>();
          batches.forEach((list, i) => {
            file.write(pack(list), positionAt(i + 1));
            if (tidy) expect(file.checkpoint()).toBe(true);
            for (const record of list) {
              if (record.value === null) model.delete(sortKey(record));
              else model.set(sortKey(record), record);
            }
          });
          expect(file.position()).toEqual(positionAt(batches.length));
          file.close();
          const expected = [...model.keys()].sort().map((key) => model.get(key) as BackendRecord);
          expect(read(path)).toEqual(expected.map(describeRecord));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("betrays damage wherever a byte changes, or isn't harmed by it", () => {
    const path = join(tempDirectory(), "state.db");
    const file = StateFile.open(path, identity);
    const list = Array.from({ length: 150 }, (_, i) => row(i, `value ${i} `.repeat(i % 9)));
    file.write(pack([...list, lease(7, "seven"), lease(8, "eight"), meta("meta")]), positionAt(5));
    file.close();
    const good = readFileSync(path);
    const expected = read(path);
    const random = seededRandom(5);
    let found = 0;
    for (let i = 0; i < 200; i++) {
      const bad = Buffer.from(good);
      const at = random.int(good.length);
      bad[at] = (bad[at] as number) ^ (1 + random.int(255));
      for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
      writeFileSync(path, bad);
      try {
        const opened = StateFile.open(path, identity);
        try {
          const position = opened.position();
          const all = [...opened.records(100)].flatMap(unpacked);
          expect({ position, all }, `byte ${at}`).toEqual({
            position: positionAt(5),
            all: expected,
          });
        } finally {
          opened.close();
        }
      } catch (error) {
        if (!(error instanceof AtollError || error instanceof Database.SqliteError)) throw error;
        found++;
      }
    }
    // Half of the small file is unused space, where damage harms nothing.
    expect(found).toBeGreaterThan(30);
  });

  it.each([
    [
      "UPDATE t4 SET value = CAST('other' AS BLOB) WHERE key = 7",
      /record 7 of table 4: its checksum is wrong/,
    ],
    ["UPDATE t4 SET key = 9 WHERE key = 7", /record 9 of table 4/],
    ["UPDATE t3 SET value = zeroblob(2)", /record 0000000000000005 of table 3/],
    ["UPDATE position SET data = zeroblob(20)", /its position is corrupt/],
    [
      "UPDATE meta SET value = '9' WHERE key = 'format'",
      /is of format 9; this program reads format 1/,
    ],
    ["UPDATE meta SET value = 'f' WHERE key = 'member'", /belongs to member f, not to member 3e3b/],
  ])("names what is wrong after %s", (sql, message) => {
    const path = join(tempDirectory(), "state.db");
    const file = StateFile.open(path, identity);
    file.write(pack([row(7, "seven"), lease(5, "five")]), positionAt(3));
    file.close();
    const db = new Database(path);
    db.exec(sql);
    db.close();
    const readAll = (): void => {
      const opened = StateFile.open(path, identity);
      try {
        opened.position();
        for (const piece of opened.records(100)) unpacked(piece);
      } finally {
        opened.close();
      }
    };
    expect(readAll).toThrow(message);
  });

  it("can be written again after a transaction that failed as a whole, new tables included", () => {
    const path = join(tempDirectory(), "state.db");
    const file = StateFile.open(path, identity);
    const position = positionAt(1);
    // Fails once the records are written: JSON has no such numbers.
    const impossible = { ...position, term: 1n as unknown as number };
    expect(() => file.write(pack([meta("m"), row(1, "x")]), impossible)).toThrow("BigInt");
    file.write(pack([meta("m"), row(1, "x")]), position);
    file.close();
    expect(read(path)).toHaveLength(2);
  });
});
