import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Entry, MemoryStorage } from "../../../regional/raft/index.js";
import { RaftLog } from "../../../regional/raft/log.js";
import { confOf, normal } from "./group.js";

fc.configureGlobal({ seed: 1 });

const ALL = Number.MAX_SAFE_INTEGER;

function logOf(...terms: number[]): RaftLog {
  const log = new RaftLog(new MemoryStorage(), ALL);
  log.append(terms.map((term, i) => normal(term, i + 1)));
  return log;
}

describe("finding where logs part", () => {
  test("the first entry that is absent or of another term", () => {
    const log = logOf(1, 1, 2);
    expect(log.findConflict([normal(1, 1), normal(1, 2)])).toBe(0);
    expect(log.findConflict([normal(1, 2), normal(3, 3)])).toBe(3);
    expect(log.findConflict([normal(2, 3), normal(2, 4)])).toBe(4);
  });

  test("the hint skips whole terms that can't agree", () => {
    expect(logOf(1, 3, 3, 3, 5, 5, 5, 5, 5).findConflictByTerm(6, 2)).toEqual({
      index: 1,
      term: 1,
    });
    expect(logOf(1, 3, 3, 4, 4, 5, 5, 5, 6).findConflictByTerm(8, 3)).toEqual({
      index: 3,
      term: 3,
    });
    expect(logOf(2, 2).findConflictByTerm(2, 1)).toEqual({ index: 0, term: 0 });
  });
});

describe("what may not happen", () => {
  test("committed entries are not overwritten", () => {
    const log = logOf(1, 1, 1);
    log.commitTo(2);
    expect(() => log.append([normal(2, 2)])).toThrow(/overwrite committed/);
    log.append([normal(2, 3)]);
    expect(log.term(3)).toBe(2);
  });

  test("no commit past the end", () => {
    expect(() => logOf(1).commitTo(3)).toThrow(/entries were lost/);
  });

  test("an entry of an earlier term is not committed by counting", () => {
    const log = logOf(1, 2);
    expect(log.maybeCommit(1, 2)).toBe(false);
    expect(log.maybeCommit(2, 2)).toBe(true);
    expect(log.committed).toBe(2);
  });
});

describe("handing out committed entries", () => {
  const ten = (): RaftLog => {
    const log = logOf(...Array.from({ length: 10 }, () => 1));
    log.commitTo(10);
    return log;
  };

  test("only what is durable here, unless that is allowed", () => {
    const log = ten();
    expect(log.hasNextCommitted(false)).toBe(false);
    expect(log.nextCommitted(true)).toHaveLength(10);
  });

  test("bounded by bytes over all that is not applied yet", () => {
    const storage = new MemoryStorage();
    storage.append(Array.from({ length: 5 }, (_, i) => normal(1, i + 1, "x".repeat(100))));
    const log = new RaftLog(storage, 250);
    log.commitTo(5);
    const first = log.nextCommitted(false);
    expect(first.map((entry) => entry.index)).toEqual([1, 2]);
    log.acceptApplying(first, false);
    expect(log.nextCommitted(false)).toEqual([]);
    log.appliedTo(1, 110);
    const second = log.nextCommitted(false);
    expect(second.map((entry) => entry.index)).toEqual([3]);
  });

  test("nothing while a snapshot waits to be installed", () => {
    const log = ten();
    const metadata = { index: 20, term: 2, confState: confOf([1]) };
    log.restore({ data: new Uint8Array(0), metadata });
    expect(log.hasNextCommitted(true)).toBe(false);
    expect([log.committed, log.lastIndex(), log.firstIndex(), log.term(20)]).toEqual([
      20, 20, 21, 2,
    ]);
    log.unstable.stableSnapshotTo(20);
    log.appliedTo(20, 0);
    expect(log.applied).toBe(20);
  });
});

/** A write that was handed out and is not durable yet. */
interface Write {
  readonly entries: readonly Entry[];
  readonly term: number;
  readonly end: { readonly index: number; readonly term: number };
}

/**
 * The log against an array, with a stable log behind it that gets its writes late and in
 * order: whatever is appended over whatever, the log always reads as the array does.
 */
test("one view, however far behind the stable log is", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), back: fc.nat(6), count: fc.nat(4) }),
    fc.record({ kind: fc.constant("hand-out" as const) }),
    fc.record({ kind: fc.constant("written" as const) }),
    fc.record({ kind: fc.constant("compact" as const), keep: fc.nat(6) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const storage = new MemoryStorage();
      const log = new RaftLog(storage, ALL);
      const model: Entry[] = [];
      const writes: Write[] = [];
      let term = 1;
      for (const step of actions) {
        if (step.kind === "append") {
          const at = Math.max(storage.firstIndex() - 1, model.length - step.back);
          term++;
          const fresh = Array.from({ length: step.count }, (_, i) => normal(term, at + i + 1));
          if (fresh.length > 0) model.length = at;
          model.push(...fresh);
          log.append(fresh);
        } else if (step.kind === "hand-out") {
          const entries = log.unstable.nextEntries();
          log.unstable.handOut();
          if (log.unstable.hasEntries) {
            writes.push({ entries, term, end: { index: log.lastIndex(), term: log.lastTerm() } });
          }
        } else if (step.kind === "written") {
          const write = writes.shift();
          if (write === undefined) continue;
          storage.append(write.entries);
          // As in the core: a report of an earlier term doesn't count.
          if (write.term === term) log.unstable.stableTo(write.end.index, write.end.term);
        } else {
          const through =
            Math.min(log.unstable.offset - 1, storage.lastIndex(), model.length) - step.keep;
          if (writes.length === 0 && through >= storage.firstIndex()) storage.compact(through);
        }
        expect(log.lastIndex()).toBe(model.length);
        const first = log.firstIndex();
        for (let i = first; i <= model.length; i++) expect(log.term(i)).toBe(model[i - 1]?.term);
        expect(log.term(model.length + 1)).toBeUndefined();
        expect(log.entriesFrom(first, ALL)).toEqual(model.slice(first - 1));
      }
    }),
    { numRuns: 300 },
  );
});
