import { join } from "node:path";
import Database from "better-sqlite3";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogFile } from "../../../regional/log/log-file.js";
import type { Entry } from "../../../regional/raft/types.js";
import { confState, identity, initial, makeEntries } from "./entries.js";
import { describeEntry, hard, openFile, readContents, rowOf, tempDirectory } from "./support.js";

type Step =
  | { kind: "append"; back: number; count: number; padding: number }
  | { kind: "merge"; counts: number[] }
  | { kind: "vote" }
  | { kind: "compact"; part: number }
  | { kind: "tidy" | "checkpoint" | "reopen" }
  | { kind: "reset"; ahead: number };

const count = fc.integer({ min: 1, max: 6 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        back: fc.constantFrom(0, 0, 1, 3, 9),
        count,
        padding: fc.constantFrom(0, 100, 9000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("merge" as const),
        counts: fc.array(count, { minLength: 2, maxLength: 4 }),
      }),
    },
    fc.record({ kind: fc.constant("vote" as const) }),
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("compact" as const),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    fc.record({ kind: fc.constantFrom("tidy" as const, "checkpoint" as const, "reopen" as const) }),
    fc.record({ kind: fc.constant("reset" as const), ahead: fc.nat(20) }),
  ),
  { minLength: 1, maxLength: 40 },
);

/** What a log should be, as simply as it can be said. */
class Model {
  base = { ...initial };
  entries: Entry[] = [];
  hardState = hard(0, 0, 0);
  sequence = 0;

  get last(): number {
    return this.base.index + this.entries.length;
  }

  append(entries: Entry[]): Buffer {
    const first = (entries[0] as Entry).index;
    this.entries = [...this.entries.filter((e) => e.index < first), ...entries];
    return this.row(entries);
  }

  row(entries: Entry[]): Buffer {
    const term = Math.max(this.hardState.term, entries.at(-1)?.term ?? 0);
    this.hardState = hard(term, term % 3, this.base.index);
    return rowOf(entries, ++this.sequence, this.hardState);
  }
}

function run(path: string, list: readonly Step[]): void {
  const model = new Model();
  let { file } = openFile(path);
  let term = 1;
  for (const step of list) {
    switch (step.kind) {
      case "append": {
        const first = Math.max(model.base.index + 1, model.last + 1 - step.back);
        if (step.back > 0) term++;
        file.append([model.append(makeEntries(first, step.count, term, step.padding))]);
        break;
      }
      case "merge":
        file.append(step.counts.map((n) => model.append(makeEntries(model.last + 1, n, term))));
        break;
      case "vote":
        model.hardState = hard(++term, 0, 0);
        file.append([model.row([])]);
        break;
      case "compact": {
        const index = model.base.index + Math.floor(step.part * model.entries.length);
        const entry = model.entries[index - model.base.index - 1];
        if (entry === undefined) break;
        file.compact(index, entry.term);
        model.base = { ...model.base, index, term: entry.term };
        model.entries = model.entries.filter((e) => e.index > index);
        break;
      }
      case "tidy":
        file.tidy();
        break;
      case "checkpoint":
        file.checkpoint();
        break;
      case "reopen":
        file.close();
        file = openFile(path).file;
        break;
      case "reset":
        model.base = { index: model.last + step.ahead, term, confState };
        model.entries = [];
        file.reset(model.base, model.row([]));
        break;
    }
  }
  file.close();
  const { base, hardState, sequence } = model;
  const entries = model.entries.map(describeEntry);
  expect(readContents(path)).toEqual({ base, hardState, sequence, entries });
}

describe("the log's file", () => {
  it("holds what a plain list would hold, whatever is done to it", () => {
    const directory = tempDirectory();
    let number = 0;
    fc.assert(
      fc.property(steps, (list) => run(join(directory, `${number++}.db`), list)),
      { numRuns: 150 },
    );
  });

  it("begins where it is told and stays there", () => {
    const path = join(tempDirectory(), "log.db");
    const begun = { ...initial, index: 7, term: 2 };
    LogFile.open({ path, identity, initial: begun, create: true }).close();
    expect(readContents(path)).toEqual({
      base: begun,
      hardState: hard(0, 0, 0),
      sequence: 0,
      entries: [],
    });
  });

  it("removes compacted rows step by step, also after a restart", () => {
    const path = join(tempDirectory(), "log.db");
    const { file } = openFile(path);
    for (let i = 1; i <= 700; i++) file.append([rowOf(makeEntries(i, 1), i, hard(1, 0, 0))]);
    file.compact(650, 1);
    file.tidy();
    expect(file.untidy).toBe(true);
    file.close();
    const again = openFile(path);
    expect(again.contents.entries[0]).toBe("651/1/0/entry 651 of term 1");
    expect(again.contents.entries).toHaveLength(50);
    while (again.file.untidy) again.file.tidy();
    again.file.close();
    const db = new Database(path, { readonly: true });
    expect(db.prepare("SELECT count(*) FROM entries").pluck().get()).toBe(50);
    db.close();
  });

  it("refuses a gap, and entries at or below the base", () => {
    const path = join(tempDirectory(), "log.db");
    const { file } = openFile(path);
    file.append([rowOf(makeEntries(1, 5), 1, hard(1, 0, 0))]);
    file.compact(3, 1);
    expect(() => file.append([rowOf(makeEntries(7, 1), 2, hard(1, 0, 0))])).toThrow(
      "append at 7, the log goes from 4 to 5",
    );
    expect(() => file.append([rowOf(makeEntries(3, 1), 2, hard(1, 0, 0))])).toThrow("append at 3");
    file.close();
    expect(readContents(path).entries).toHaveLength(2);
  });

  it.each([
    [
      "another format",
      "UPDATE meta SET value = '2' WHERE key = 'format'",
      /is of format 2; this program reads format 1/,
    ],
    ["no format", "DELETE FROM meta WHERE key = 'format'", /is of no known format/],
    [
      "another cluster",
      "UPDATE meta SET value = 'beef' WHERE key = 'cluster'",
      /belongs to cluster beef, not to cluster c1a5/,
    ],
    [
      "another member",
      "UPDATE meta SET value = '9' WHERE key = 'member'",
      /belongs to member 9, not to member 3e3b/,
    ],
    [
      "a missing row",
      "DELETE FROM entries WHERE first = 3",
      /entry 3 is missing; the next one is 5/,
    ],
    [
      "a missing head",
      "DELETE FROM entries WHERE first = 1",
      /entry 1 is missing; the next one is 3/,
    ],
    [
      "a missing tail",
      "DELETE FROM entries WHERE first = 5",
      /it ends at entry 4, but entry 6 was committed/,
    ],
    [
      "a row in another's place",
      "UPDATE entries SET first = 7 WHERE first = 5",
      /entry 7: the row was written as entry 5/,
    ],
    [
      "a shortened row",
      "UPDATE entries SET data = substr(data, 1, 60) WHERE first = 3",
      /entry 3: its checksum/,
    ],
    [
      "a changed base",
      "UPDATE base SET data = CAST('nonsense' AS BLOB)",
      /its base is corrupt: its checksum is wrong/,
    ],
    [
      "a changed hard state",
      "UPDATE hard_state SET data = zeroblob(48)",
      /its hard state: its checksum/,
    ],
  ])("names %s", (_, sql, message) => {
    const path = join(tempDirectory(), "log.db");
    const { file } = openFile(path);
    file.append([rowOf([], 1, hard(1, 0, 0))]);
    file.append(
      [1, 3, 5].map((first, i) => rowOf(makeEntries(first, 2), 2 + i, hard(1, 2, first))),
    );
    file.append([rowOf([], 9, hard(2, 2, 6))]);
    file.close();
    const db = new Database(path);
    db.exec(sql);
    db.close();
    expect(() => openFile(path)).toThrow(message);
    expect(() => openFile(path)).toThrow(path);
  });
});
