import { describe, expect, test } from "vitest";
import type { DeltaTransfer, Transfer, WholeTransfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { makeSection, RETIRED, type Section } from "../../../global/digest/section.js";
import { sha256 } from "../../../shared/hash.js";
import {
  MAX_REGIONS,
  MAX_SECTIONS_PER_REGION,
  QUARANTINE_AFTER_FAILURES,
} from "../../../shared/limits.js";
import {
  cells,
  changes,
  contentOf,
  digest,
  groupKey,
  History,
  incarnation,
  nonce,
  OTHER_SCHEMA,
  SCHEMA,
  version,
} from "./model.js";

const ID = { region: "us-east", summary: "machines" };

/** us-east with a history: a=1 at 3, b=2 at 4, a=5 at 5, a=1 at 6, b gone at 7. */
function usEast(more: Parameters<typeof version>[1] = {}): History {
  const history = new History("us-east", more);
  for (const step of [{ a: 1 }, { b: 2 }, { a: 5 }, { a: 1 }, { b: undefined }]) history.step(step);
  return history;
}

function state(): GlobalState {
  return new GlobalState(sha256);
}

function holding(transfer: Transfer): GlobalState {
  const result = state();
  expect(result.receive(transfer).kind).toBe("applied");
  return result;
}

function groups(section: Section | undefined): unknown {
  return new Map([...(section?.content.leaves() ?? [])].map((leaf) => [leaf.key, leaf.cells]));
}

function forged(transfer: Transfer): Transfer {
  return { ...transfer, root: "x".repeat(32) };
}

describe("receiving", () => {
  test("takes a whole section, then deltas from any revision up to its own", () => {
    const history = usEast();
    for (const from of [2, 3, 4]) {
      const holder = holding(history.whole(4));
      const outcome = holder.receive(history.delta(from, 6));
      expect(outcome).toMatchObject({ kind: "applied", before: { version: { revision: 4 } } });
      expect(groups(holder.section(ID))).toEqual(history.groups(6));
    }
  });

  test("asks for repair from what it holds when a delta doesn't follow", () => {
    const history = usEast();
    const holder = holding(history.whole(3));
    expect(holder.receive(history.delta(4, 6))).toEqual({
      kind: "gap",
      have: history.version(3),
    });
    expect(state().receive(history.delta(4, 6))).toEqual({ kind: "gap", have: undefined });
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
    const outcome = holder.receive({ ...history.delta(4, 5), changes: wrong } as Transfer);
    expect(outcome).toMatchObject({ kind: "refused", reason: "invalid" });
    expect(outcome).toHaveProperty("message", expect.stringContaining('["a"]'));
    expect(digest(holder)).toEqual(digest(holding(history.whole(4))));
  });

  test("takes no more regions and sections than it has room for", () => {
    const holder = state();
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
      expect(state().receive(wrong)).toMatchObject({ reason: "bad-root" });
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
    expect(groups(holder.section(ID))).toEqual(history.groups(3));
    expect(holder.receive(history.whole(4)).kind).toBe("applied");
    expect(holder.region("us-east")?.fault("machines")).toBeUndefined();
    expect(holder.receive(history.delta(4, 5)).kind).toBe("applied");
  });

  test("that differ at one version quarantine at once, by transfer and by claim", () => {
    const history = usEast();
    const { id, version: at } = history.section(4);
    const byTransfer = holding(history.whole(4));
    expect(byTransfer.receive(forged(history.whole(4)))).toMatchObject({ reason: "divergence" });
    const byClaim = holding(history.whole(4));
    expect(byClaim.judge({ id, version: at, root: "x".repeat(32) })).toBe("refused");
    for (const holder of [byTransfer, byClaim]) {
      expect(holder.region("us-east")?.fault("machines")?.quarantined).toBe(true);
      expect(groups(holder.section(ID))).toEqual(history.groups(4));
    }
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
    expect(state().judge(claim(4))).toBe("newer");
    expect(holder.judge(claim(2, usEast({ incarnation: incarnation(2) })))).toBe("newer");
    expect(holder.judge(claim(4, usEast({ definition: 3 })))).toBe("newer");
    expect(holder.claims()).toEqual([claim(5)]);
  });
});

describe("incarnations", () => {
  const first = usEast();
  const second = new History("us-east", { incarnation: incarnation(2, "b") });
  second.step({ z: 9 });

  test("the higher one replaces all sections of the lower, at whatever revision", () => {
    const holder = holding(first.whole(7));
    const other = { region: "us-east", summary: "gone" };
    const { root } = makeSection(other, version(7), SCHEMA, contentOf(new Map()), sha256);
    const gone: Transfer = {
      kind: "whole",
      id: other,
      to: version(7),
      schema: SCHEMA,
      changes: new Map(),
      root,
    };
    holder.receive(gone);
    expect(holder.receive(second.whole(3)).kind).toBe("applied");
    expect(groups(holder.section(ID))).toEqual(second.groups(3));
    expect(holder.section(other)).toBeUndefined();
    for (const old of [first.whole(7), gone]) {
      expect(holder.receive(old)).toMatchObject({ kind: "refused", reason: "superseded" });
    }
  });

  test("a delta of the higher one doesn't apply to the lower", () => {
    const holder = holding(first.whole(7));
    expect(holder.receive(second.delta(2, 3)).kind).toBe("gap");
    expect(groups(holder.section(ID))).toEqual(first.groups(7));
  });

  test("with one counter and two nonces are a conflict: frozen, and equally known to all", () => {
    const twin = usEast({ incarnation: incarnation(1, "c") });
    const [one, two, third] = [holding(first.whole(5)), holding(twin.whole(6)), state()];
    expect(one.receive(twin.whole(7))).toMatchObject({ kind: "refused", reason: "conflict" });
    const { id, version: at, root } = first.section(7);
    expect(two.judge({ id, version: at, root })).toBe("refused");
    third.receive(first.whole(3));
    expect(third.noteConflict("us-east", 1, [nonce("c")])).toBe(true);
    expect(third.noteConflict("us-east", 1, [nonce("c"), nonce("a")])).toBe(false);
    for (const holder of [one, two, third]) {
      expect(holder.region("us-east")?.nonces).toEqual([nonce("a"), nonce("c")]);
      for (const more of [first.whole(7), twin.whole(7), first.delta(2, 7)]) {
        expect(holder.receive(more)).toMatchObject({ reason: "conflict" });
      }
    }
    expect(groups(one.section(ID))).toEqual(first.groups(5));
    expect(groups(two.section(ID))).toEqual(twin.groups(6));
    // A life with a higher counter resolves it.
    for (const holder of [one, two, third]) {
      expect(holder.receive(second.whole(3)).kind).toBe("applied");
      expect(holder.region("us-east")?.nonces).toEqual([nonce("b")]);
    }
  });

  test("of a region that was removed stay removed; a later one comes back", () => {
    const holder = holding(first.whole(7));
    expect(holder.forget("us-east", 1)).toBe(true);
    expect(holder.forget("us-east", 1)).toBe(false);
    expect(holder.region("us-east")).toBeUndefined();
    expect(holder.receive(first.whole(7))).toMatchObject({ reason: "forgotten" });
    const { id, version: at, root } = first.section(7);
    expect(holder.judge({ id, version: at, root })).toBe("refused");
    expect(holder.receive(second.whole(3)).kind).toBe("applied");
    expect(holder.forget("us-east", 1)).toBe(false);
    expect([...holder.forgotten]).toEqual([["us-east", 1]]);
  });
});

describe("definitions", () => {
  const before = usEast();
  const after = usEast({ definition: 5 });

  test("a later one wins at whatever revision, and comes whole", () => {
    const holder = holding(before.whole(7));
    expect(holder.receive(after.delta(5, 6)).kind).toBe("gap");
    expect(holder.receive(after.whole(6)).kind).toBe("applied");
    expect(holder.receive(before.whole(7))).toEqual({ kind: "known" });
    expect(holder.transferSince(ID, before.version(7))?.kind).toBe("whole");
  });

  test("another number of fold semantics at a later revision comes whole, back as well", () => {
    const folded = usEast({ foldSemantics: 2 });
    const holder = holding(before.whole(5));
    expect(holder.receive(folded.delta(5, 6)).kind).toBe("gap");
    expect(holder.receive(folded.whole(6)).kind).toBe("applied");
    expect(holder.receive(before.whole(7)).kind).toBe("applied");
  });

  test("keeps the last section of the one before until all regions agree", () => {
    const publish = (holder: GlobalState, region: string, definition: number, schema = SCHEMA) =>
      holder.publish({
        id: { region, summary: "machines" },
        to: version(9, { definition }),
        from: undefined,
        schema,
        changes: changes({ a: definition }),
      });
    const holder = state();
    publish(holder, "us-east", 2);
    publish(holder, "eu-west", 2);
    publish(holder, "us-east", 3, OTHER_SCHEMA);
    expect(holder.region("us-east")?.previous("machines")?.version.definition).toBe(2);
    publish(holder, "eu-west", 4, OTHER_SCHEMA);
    for (const region of ["us-east", "eu-west"]) {
      expect(holder.region(region)?.previous("machines")).toBeUndefined();
    }
  });

  test("a deleted one leaves a marker without groups, which a new one replaces", () => {
    const holder = holding(before.whole(7));
    const retire = holder.publish({
      id: ID,
      to: version(8, { definition: 8 }),
      from: undefined,
      schema: RETIRED,
      changes: new Map(),
    });
    expect(retire.kind).toBe("applied");
    expect(holder.section(ID)).toMatchObject({ schema: { retired: true }, content: { size: 0 } });
    expect(holder.receive(before.whole(7))).toEqual({ kind: "known" });
    const again = usEast({ definition: 9 });
    for (let i = 0; i < 3; i++) again.step({});
    expect(holder.receive(again.whole(10)).kind).toBe("applied");
  });
});

describe("publishing", () => {
  test("computes the same sections as receiving them", () => {
    const history = usEast();
    const origin = state();
    origin.publish(history.publication(undefined, 3));
    for (const [from, to] of [
      [3, 5],
      [5, 6],
      [6, 7],
    ] as const) {
      origin.publish(history.publication(from, to));
      expect(digest(origin)).toEqual(digest(holding(history.whole(to))));
    }
  });

  test("goes on when a sibling gateway was ahead", () => {
    const history = usEast();
    const origin = state();
    origin.publish(history.publication(undefined, 3));
    origin.receive(history.delta(3, 5));
    expect(origin.publish(history.publication(3, 4))).toEqual({ kind: "known" });
    expect(origin.publish(history.publication(4, 7)).kind).toBe("applied");
    expect(digest(origin)).toEqual(digest(holding(history.whole(7))));
  });

  test("does not take a sibling's errors for its own", () => {
    const [history, wrong] = [usEast(), new History("us-east")];
    for (const step of [{ a: 1 }, { b: 2, x: 1 }, { a: 5 }, { a: 1 }]) wrong.step(step);
    const origin = state();
    origin.publish(history.publication(undefined, 3));
    expect(origin.receive(wrong.delta(3, 5)).kind).toBe("applied");
    // Its own fold is at 5 as well, with another root.
    expect(origin.publish(history.publication(3, 5))).toMatchObject({ reason: "divergence" });
    expect(origin.publish(history.publication(5, 6)).kind).toBe("applied");
    expect(digest(origin)).toEqual(digest(holding(history.whole(6))));
    expect(origin.region("us-east")?.fault("machines")).toBeUndefined();
  });

  test("does not go on from what it never published", () => {
    const history = usEast();
    const origin = state();
    expect(() => origin.publish(history.publication(3, 5))).toThrow("published undefined");
    origin.publish(history.publication(undefined, 3));
    expect(() => origin.publish(history.publication(4, 5))).toThrow("published 3");
  });
});

describe("telling", () => {
  test("gives only what is newer, the same object to all who ask the same", () => {
    const history = usEast();
    const holder = holding(history.whole(3));
    holder.receive(history.delta(3, 5));
    holder.receive(history.delta(5, 7));
    const delta = holder.transferSince(ID, history.version(5)) as DeltaTransfer;
    expect([...delta.changes.keys()].sort()).toEqual([groupKey("a"), groupKey("b")]);
    expect(delta.changes.get(groupKey("b"))).toBeUndefined();
    expect(holder.transferSince(ID, history.version(5))).toBe(delta);
    expect(holder.transferSince(ID, history.version(7))).toBeUndefined();
    expect(holder.transferSince({ region: "x", summary: "y" }, undefined)).toBeUndefined();
  });

  test("gives the whole section to whoever is before its floor, or nowhere", () => {
    const history = usEast();
    const holder = holding(history.whole(5));
    for (const have of [
      undefined,
      history.version(4),
      version(6, { incarnation: incarnation(0) }),
    ]) {
      expect(holder.transferSince(ID, have)?.kind).toBe("whole");
    }
    holder.receive(history.delta(5, 6));
    expect(holder.transferSince(ID, history.version(5))?.kind).toBe("delta");
    // A whole section that comes in raises the floor: what lies between is not known.
    holder.receive(history.whole(7));
    expect(holder.transferSince(ID, history.version(6))?.kind).toBe("whole");
  });
});
