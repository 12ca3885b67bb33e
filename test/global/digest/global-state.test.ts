import { describe, expect, test } from "vitest";
import type { DeltaTransfer, Transfer, WholeTransfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { makeSection, type Section } from "../../../global/digest/section.js";
import { sha256 } from "../../../shared/hash.js";
import {
  MAX_REGIONS,
  MAX_SECTIONS_PER_REGION,
  QUARANTINE_AFTER_FAILURES,
} from "../../../shared/limits.js";
import {
  cells,
  contentOf,
  digest,
  forged,
  groupKey,
  groupsOf,
  holding,
  incarnation,
  newState,
  OTHER_SCHEMA,
  SCHEMA,
  usEast,
  version,
} from "./model.js";

const ID = { region: "us-east", summary: "machines" };

describe("receiving", () => {
  test("takes a whole section, then deltas from any revision up to its own", () => {
    const history = usEast();
    for (const from of [2, 3, 4]) {
      const holder = holding(history.whole(4));
      const outcome = holder.receive(history.delta(from, 6));
      expect(outcome).toMatchObject({ kind: "applied", before: { version: { revision: 4 } } });
      expect(groupsOf(holder.section(ID))).toEqual(history.groups(6));
    }
  });

  test("asks for repair from what it holds when a delta doesn't follow", () => {
    const history = usEast();
    const holder = holding(history.whole(3));
    expect(holder.receive(history.delta(4, 6))).toEqual({
      kind: "gap",
      have: history.version(3),
    });
    expect(newState().receive(history.delta(4, 6))).toEqual({ kind: "gap", have: undefined });
    expect(holder.section(ID)?.version.revision).toBe(3);
  });

  test("has nothing to do for what it holds already or has passed", () => {
    const history = usEast();
    const holder = holding(history.whole(5));
    for (const transfer of [history.whole(5), history.whole(4), history.delta(2, 5)]) {
      expect(holder.receive(transfer)).toEqual({ kind: "known" });
    }
  });

  test("moves by an empty delta where nothing changed", () => {
    const history = usEast();
    history.step({});
    const holder = holding(history.whole(7));
    const { root } = holder.section(ID) as Section;
    expect(holder.receive(history.delta(7, 8)).kind).toBe("applied");
    expect(holder.section(ID)).toMatchObject({ version: { revision: 8 }, root });
  });

  test("brings a group back that was changed and changed back on the way", () => {
    const history = usEast();
    const middle = holding(history.whole(5));
    // a is 1 at 4 and at 6 and 5 in between: the delta from 4 names it all the same.
    expect(middle.receive(history.delta(4, 6)).kind).toBe("applied");
    expect(middle.section(ID)?.content.get(groupKey("a"))?.cells).toEqual(cells(1));
    const teller = holding(history.whole(4));
    teller.receive(history.delta(4, 5));
    teller.receive(history.delta(5, 6));
    const told = teller.transferSince(ID, history.version(4)) as DeltaTransfer;
    expect([...told.changes.keys()]).toEqual([groupKey("a")]);
  });

  test("refuses cells that aren't those of the measures, and says which group", () => {
    const history = usEast();
    const holder = holding(history.whole(4));
    const wrong = new Map([[groupKey("a"), cells(1).slice(1)]]);
    const outcome = holder.receive({ ...history.delta(4, 5), changes: wrong });
    expect(outcome).toMatchObject({ kind: "refused", reason: "invalid" });
    expect(outcome).toHaveProperty("message", expect.stringContaining('["a"]'));
    expect(digest(holder)).toEqual(digest(holding(history.whole(4))));
  });

  test("takes no more regions and sections than it has room for", () => {
    const holder = newState();
    const at = version(2);
    const whole = (region: string, summary: string): Transfer => {
      const id = { region, summary };
      const { root } = makeSection(id, at, SCHEMA, contentOf(new Map()), sha256);
      return { kind: "whole", id, to: at, schema: SCHEMA, changes: new Map(), root };
    };
    for (let i = 0; i < MAX_REGIONS; i++) holder.receive(whole(`r${i}`, "machines"));
    expect(holder.receive(whole("another", "machines"))).toMatchObject({ reason: "invalid" });
    for (let i = 1; i < MAX_SECTIONS_PER_REGION; i++) holder.receive(whole("r0", `s${i}`));
    expect(holder.receive(whole("r0", "another"))).toMatchObject({ reason: "invalid" });
    expect(holder.receive(whole("r1", "another")).kind).toBe("applied");
  });
});

describe("roots", () => {
  test("that don't come out leave everything as it was", () => {
    const history = usEast();
    const holder = holding(history.whole(4));
    const before = digest(holder);
    for (const transfer of [forged(history.delta(4, 6)), forged(history.whole(6))]) {
      expect(holder.receive(transfer)).toMatchObject({ kind: "refused", reason: "bad-root" });
    }
    expect(digest(holder)).toEqual(before);
    expect(holder.receive(history.delta(4, 6)).kind).toBe("applied");
  });

  test("cover schema and groups", () => {
    const history = usEast();
    const whole = history.whole(6) as WholeTransfer;
    const changed = { ...whole, changes: new Map([...whole.changes, [groupKey("z"), cells(1)]]) };
    const renamed = { ...SCHEMA, groupBy: ["value.zone"] };
    const scaled = { ...SCHEMA, measures: SCHEMA.measures.map((m) => ({ ...m, scale: 2 })) };
    for (const wrong of [
      changed,
      { ...whole, schema: renamed },
      { ...whole, schema: scaled },
      { ...whole, schema: OTHER_SCHEMA },
    ]) {
      expect(newState().receive(wrong)).toMatchObject({ reason: "bad-root" });
    }
  });

  test("that fail again and again quarantine the section, and a whole one heals it", () => {
    const history = usEast();
    const holder = holding(history.whole(3));
    for (let i = 1; i <= QUARANTINE_AFTER_FAILURES; i++) {
      expect(holder.region("us-east")?.fault("machines")?.quarantined ?? false).toBe(false);
      holder.receive(forged(history.delta(3, 4)));
    }
    expect(holder.region("us-east")?.fault("machines")).toMatchObject({
      quarantined: true,
      failures: QUARANTINE_AFTER_FAILURES,
    });
    expect(holder.have(ID)).toBeUndefined();
    expect(holder.receive(history.delta(3, 4))).toEqual({ kind: "gap", have: undefined });
    expect(groupsOf(holder.section(ID))).toEqual(history.groups(3));
    expect(holder.receive(history.whole(4)).kind).toBe("applied");
    expect(holder.region("us-east")?.fault("machines")).toBeUndefined();
    expect(holder.receive(history.delta(4, 5)).kind).toBe("applied");
  });

  test("that differ at one version quarantine at once; a peer's claim alone doesn't", () => {
    const history = usEast();
    const { id, version: at } = history.section(4);
    const holder = holding(history.whole(4));
    expect(holder.judge({ id, version: at, root: "x".repeat(32) })).toBe("differs");
    expect(holder.region("us-east")?.fault("machines")).toBeUndefined();
    expect(holder.receive(forged(history.whole(4)))).toMatchObject({ reason: "divergence" });
    expect(holder.region("us-east")?.fault("machines")?.quarantined).toBe(true);
    expect(groupsOf(holder.section(ID))).toEqual(history.groups(4));
  });

  test("count frames that could not be decoded, for sections that are there", () => {
    const holder = holding(usEast().whole(4));
    for (let i = 0; i < QUARANTINE_AFTER_FAILURES; i++) holder.noteFault(ID, "garbage");
    holder.noteFault({ region: "nowhere", summary: "machines" }, "garbage");
    expect(holder.region("us-east")?.fault("machines")).toMatchObject({
      quarantined: true,
      message: "garbage",
    });
    expect(holder.region("nowhere")).toBeUndefined();
  });
});

describe("claims", () => {
  test("are judged newer, the same, or older", () => {
    const history = usEast();
    const holder = holding(history.whole(5));
    const claim = (revision: number, from = history) => {
      const { id, version: at, root } = from.section(revision);
      return { id, version: at, root };
    };
    expect(holder.judge(claim(4))).toBe("older");
    expect(holder.judge(claim(5))).toBe("same");
    expect(holder.judge(claim(6))).toBe("newer");
    expect(newState().judge(claim(4))).toBe("newer");
    expect(holder.judge(claim(2, usEast({ incarnation: incarnation(2) })))).toBe("newer");
    expect(holder.judge(claim(4, usEast({ definition: 3 })))).toBe("newer");
    expect(holder.claims()).toEqual([claim(5)]);
  });
});

describe("publishing", () => {
  test("what a sibling has told already is worked out once, and gone on from", () => {
    const history = usEast();
    history.step(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`g${i}`, i])));
    const told = history.last;
    history.step({ g7: 1 });
    history.step({ g7: 2 });
    const hashesToGoOn = (tellFirst: boolean): number => {
      let hashes = 0;
      const state = new GlobalState((bytes) => {
        hashes++;
        return sha256(bytes);
      });
      if (tellFirst) state.receive(history.whole(told));
      state.publish(history.publication(undefined, told));
      state.publish(history.publication(told, told + 1));
      const before = hashes;
      expect(state.publish(history.publication(told + 1, told + 2)).kind).toBe("applied");
      return hashes - before;
    };
    expect(hashesToGoOn(true)).toBe(hashesToGoOn(false));
  });
});
