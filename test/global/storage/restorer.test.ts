import { afterAll, describe, expect, test } from "vitest";
import { GlobalState } from "../../../global/digest/global-state.js";
import { numberedKey } from "../../../global/storage/core/row-keys.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import { sha256 } from "../../../shared/hash.js";
import {
  changes,
  groupsOf,
  History,
  incarnation,
  newState,
  OTHER_SCHEMA,
  SCHEMA,
  usEast,
  version,
} from "../digest/model.js";
import { TestKeys } from "../trust/keys.js";
import { Keeping, MemoryDisk, timeAt } from "./memory-disk.js";

/** Rows by the beginning of their keys. */
function keysOf(disk: MemoryDisk, kind: "word" | "section" | "group"): string[] {
  const prefix = toBinaryKey(numberedKey(kind, 0).subarray(0, 1));
  return [...disk.rows.keys()].filter((key) => key.startsWith(prefix)).sort();
}

function saved(...histories: History[]): { keeping: Keeping; disk: MemoryDisk } {
  const keeping = new Keeping(newState());
  for (const history of histories) keeping.state.receive(history.whole(history.last));
  const disk = new MemoryDisk();
  disk.save(keeping.keeper, timeAt(1_000));
  return { keeping, disk };
}

function euWest(): History {
  const history = new History("eu-west");
  for (const step of [{ x: 1, y: 2 }, { z: 3 }]) history.step(step);
  return history;
}

describe("what is damaged costs its section only", () => {
  test.each(["word", "section", "group"] as const)("a row of kind %s", (kind) => {
    const { disk } = saved(usEast(), euWest());
    const [victim = ""] = keysOf(disk, kind);
    const back = new Keeping(newState());
    const { dropped, sections } = back.restore(disk.rows, timeAt(2_000), new Set([victim]));
    expect(dropped.length).toBeGreaterThan(0);
    expect(dropped.map(({ reason }) => reason).join()).toMatch(/checksum/);
    // Where nobody signs a word is no loss.
    expect(sections).toBe(kind === "word" ? 2 : 1);
    expect(back.state.section(euWest().id)).toBeDefined();
    // Its rows are gone with the next save, and what was told again is there.
    back.state.receive(usEast().whole(usEast().last));
    disk.save(back.keeper, timeAt(3_000));
    const again = new Keeping(newState());
    expect(again.restore(disk.rows, timeAt(4_000))).toMatchObject({ sections: 2, dropped: [] });
  });

  test("a group's row that is missing is told by the root", () => {
    const { disk } = saved(usEast(), euWest());
    const [victim = ""] = keysOf(disk, "group");
    const rows = new Map(disk.rows);
    rows.delete(victim);
    const { dropped } = new Keeping(newState()).restore(rows, timeAt(2_000));
    expect(dropped).toEqual([
      {
        what: "machines of us-east",
        reason: expect.stringMatching(/another root than the one claimed/),
      },
    ]);
  });

  test("a region that lacks a section is not taken to be complete", () => {
    const { keeping, disk } = saved(usEast());
    const history = usEast();
    const { incarnation: life } = history.version(history.last);
    const confirmed = { region: "us-east", incarnation: life, revision: history.last, asOfMs: 900 };
    keeping.freshness.confirm(confirmed);
    disk.save(keeping.keeper, timeAt(2_000));
    const back = new Keeping(newState());
    back.restore(disk.rows, timeAt(3_000), new Set(keysOf(disk, "group").slice(0, 1)));
    expect(back.freshness.newest("us-east")).toBeUndefined();
  });
});

describe("where regions sign", () => {
  const keys = new TestKeys(["us-east", "eu-west"]);
  const others = new TestKeys(["us-east", "eu-west"]);
  afterAll(() => {
    keys.remove();
    others.remove();
  });

  test("a section is taken back by its origin's word, the own fold's as well", () => {
    const history = usEast();
    const own = new Keeping(new GlobalState(sha256, keys.keyring("us-east")));
    own.state.publish(history.publication(undefined, history.last));
    const disk = new MemoryDisk();
    disk.save(own.keeper, timeAt(1_000));
    const back = new Keeping(new GlobalState(sha256, keys.keyring("us-east")));
    expect(back.restore(disk.rows, timeAt(2_000))).toMatchObject({ sections: 1, dropped: [] });
    expect(back.state.words.of(history.id)?.keyId).toBe(own.state.words.of(history.id)?.keyId);
    // The fold begins anew, and finds the same.
    expect(back.state.publish(history.publication(undefined, history.last)).kind).toBe("known");
  });

  test("a section whose key counts no more is dropped by its name", () => {
    const history = usEast();
    const own = new Keeping(new GlobalState(sha256, keys.keyring("us-east")));
    own.state.publish(history.publication(undefined, history.last));
    const disk = new MemoryDisk();
    disk.save(own.keeper, timeAt(1_000));
    const back = new Keeping(new GlobalState(sha256, others.keyring("eu-west")));
    const { dropped, sections } = back.restore(disk.rows, timeAt(2_000));
    expect(sections).toBe(0);
    expect(dropped).toEqual([
      { what: "machines of us-east", reason: expect.stringMatching(/key/) },
    ]);
  });
});

describe("the section of the definition before", () => {
  const publish = (keeping: Keeping, region: string, revision: number, schema = SCHEMA): void => {
    const outcome = keeping.state.publish({
      id: { region, summary: "machines" },
      to: version(revision, { definition: revision }),
      from: undefined,
      schema,
      changes: changes({ a: revision }),
    });
    expect(outcome.kind).toBe("applied");
    keeping.state.words.of({ region, summary: "machines" });
  };

  test("is taken back while regions differ, with its age", () => {
    const keeping = new Keeping(newState());
    publish(keeping, "us-east", 2);
    publish(keeping, "eu-west", 2);
    keeping.freshness.confirm({
      region: "us-east",
      incarnation: incarnation(1),
      revision: 2,
      asOfMs: 700,
    });
    publish(keeping, "us-east", 3, OTHER_SCHEMA);
    const disk = new MemoryDisk();
    disk.save(keeping.keeper, timeAt(1_000));
    const back = new Keeping(newState());
    expect(back.restore(disk.rows, timeAt(2_000))).toMatchObject({ sections: 3, dropped: [] });
    const before = back.state.region("us-east")?.previous("machines");
    expect(before?.version.definition).toBe(2);
    expect(groupsOf(before)).toEqual(changes({ a: 2 }));
    expect(back.state.region("us-east")?.section("machines")?.version.definition).toBe(3);
    expect(before && back.freshness.asOf(before)).toBe(690);
    // And is let go of once they agree.
    publish(back, "eu-west", 4, OTHER_SCHEMA);
    disk.save(back.keeper, timeAt(3_000));
    const again = new Keeping(newState());
    expect(again.restore(disk.rows, timeAt(4_000))).toMatchObject({ sections: 2, dropped: [] });
  });
});

test("a save writes what changed, not what is there", () => {
  const history = new History("us-east");
  history.step(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`group-${i}`, i])));
  const { keeping, disk } = saved(history);
  history.step({ "group-3": 4 });
  history.step({ "group-3": 5 });
  keeping.state.receive(history.delta(history.last - 2, history.last));
  disk.save(keeping.keeper, timeAt(2_000));
  // The group, the section, its word, the one before.
  expect(disk.written.at(-1)).toBe(4);
});
