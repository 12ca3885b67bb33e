import { describe, expect, test } from "vitest";
import type { DeltaTransfer, Transfer } from "../../../global/digest/delta.js";
import { makeSection, RETIRED } from "../../../global/digest/section.js";
import { sha256 } from "../../../shared/hash.js";
import {
  adopt,
  contentOf,
  digest,
  forget,
  groupKey,
  groupsOf,
  History,
  holding,
  incarnation,
  newState,
  nonce,
  SCHEMA,
  usEast,
  version,
  wordOf,
} from "./model.js";

const ID = { region: "us-east", summary: "machines" };

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
    expect(groupsOf(holder.section(ID))).toEqual(second.groups(3));
    expect(holder.section(other)).toBeUndefined();
    for (const old of [first.whole(7), gone]) {
      expect(holder.receive(old)).toMatchObject({ kind: "refused", reason: "superseded" });
    }
  });

  test("a delta of the higher one doesn't apply to the lower", () => {
    const holder = holding(first.whole(7));
    expect(holder.receive(second.delta(2, 3)).kind).toBe("gap");
    expect(groupsOf(holder.section(ID))).toEqual(first.groups(7));
  });

  test("with one counter and two nonces are a conflict: frozen, and equally known to all", () => {
    const twin = usEast({ incarnation: incarnation(1, "c") });
    const [one, two, third] = [holding(first.whole(5)), holding(twin.whole(6)), newState()];
    expect(one.receive(twin.whole(7))).toMatchObject({ kind: "refused", reason: "conflict" });
    const { id, version: at, root } = first.section(7);
    // A peer's own word is no proof; the origin's is.
    expect(two.judge({ id, version: at, root })).toBe("differs");
    expect(two.region("us-east")?.nonces).toEqual([nonce("c")]);
    expect(two.witness(wordOf(first))).toBe(true);
    expect(two.judge({ id, version: at, root })).toBe("refused");
    third.receive(first.whole(3));
    expect(third.witness(wordOf(twin))).toBe(true);
    expect(third.witness(wordOf(twin))).toBe(false);
    expect(third.witness(wordOf(first))).toBe(false);
    for (const holder of [one, two, third]) {
      expect(holder.region("us-east")?.nonces).toEqual([nonce("a"), nonce("c")]);
      for (const more of [first.whole(7), twin.whole(7), first.delta(2, 7)]) {
        expect(holder.receive(more)).toMatchObject({ reason: "conflict" });
      }
    }
    expect(groupsOf(one.section(ID))).toEqual(first.groups(5));
    expect(groupsOf(two.section(ID))).toEqual(twin.groups(6));
    // A life with a higher counter resolves it.
    for (const holder of [one, two, third]) {
      expect(holder.receive(second.whole(3)).kind).toBe("applied");
      expect(holder.region("us-east")?.nonces).toEqual([nonce("b")]);
    }
  });

  test("of a region that was removed stay removed; a later one comes back", () => {
    const holder = holding(first.whole(7));
    expect(holder.obey(forget("us-east", 1))).toBe("news");
    expect(holder.obey(forget("us-east", 1))).toBe("known");
    expect(holder.region("us-east")).toBeUndefined();
    expect(holder.receive(first.whole(7))).toMatchObject({ reason: "forgotten" });
    const { id, version: at, root } = first.section(7);
    expect(holder.judge({ id, version: at, root })).toBe("refused");
    expect(holder.receive(second.whole(3)).kind).toBe("applied");
    expect(holder.obey(forget("us-east", 1))).toBe("known");
    expect([...holder.forgotten]).toEqual([["us-east", 1]]);
  });
});

describe("an operator's order to adopt", () => {
  const first = usEast();
  const twin = usEast({ incarnation: incarnation(1, "c") });

  test("settles a conflict for one life, whichever each holder stood at", () => {
    const [one, two] = [holding(first.whole(5)), holding(twin.whole(6))];
    one.witness(wordOf(twin));
    two.witness(wordOf(first));
    const order = adopt("us-east", twin.version(2).incarnation);
    for (const holder of [one, two]) {
      expect(holder.obey(order)).toBe("news");
      expect(holder.obey(order)).toBe("known");
      expect(holder.receive(first.whole(7))).toMatchObject({ reason: "superseded" });
    }
    // What was settled against is shown until there is something better, and holds up nothing.
    expect(groupsOf(one.section(ID))).toEqual(first.groups(5));
    expect(one.have(ID)).toBeUndefined();
    expect(one.receive(twin.whole(4)).kind).toBe("applied");
    expect(two.receive(twin.delta(6, 7)).kind).toBe("applied");
    for (const holder of [one, two]) expect(holder.region("us-east")?.nonces).toEqual([nonce("c")]);
    expect(one.witness(wordOf(first))).toBe(false);
  });

  test("may be taken back by a later one", () => {
    const holder = holding(first.whole(5));
    expect(holder.obey(adopt("us-east", twin.version(2).incarnation, 1))).toBe("news");
    expect(holder.receive(twin.whole(7)).kind).toBe("applied");
    expect(holder.obey(adopt("us-east", first.version(2).incarnation, 1))).toBe("known");
    expect(holder.obey(adopt("us-east", first.version(2).incarnation, 2))).toBe("news");
    expect(holder.receive(twin.whole(7))).toMatchObject({ reason: "superseded" });
    expect(holder.receive(first.whole(6)).kind).toBe("applied");
    expect(groupsOf(holder.section(ID))).toEqual(first.groups(6));
  });

  test("lets in a life that comes out of turn, which is refused without it", () => {
    const fifth = usEast({ incarnation: incarnation(5, "e") });
    const holder = holding(first.whole(5));
    expect(holder.receive(fifth.whole(7))).toMatchObject({ kind: "refused", reason: "jump" });
    const fault = holder.region("us-east")?.fault("machines");
    expect(fault).toMatchObject({ quarantined: true });
    expect(fault?.message).toContain(`atoll region adopt us-east ${nonce("e")}`);
    expect(groupsOf(holder.section(ID))).toEqual(first.groups(5));
    expect(holder.obey(adopt("us-east", fifth.version(2).incarnation))).toBe("news");
    expect(holder.receive(fifth.whole(7)).kind).toBe("applied");
    expect(holder.receive(first.whole(7))).toMatchObject({ reason: "superseded" });
  });

  test("means nothing to one that has just started: it takes what it hears first", () => {
    const fifth = usEast({ incarnation: incarnation(5, "e") });
    expect(newState().receive(fifth.whole(7)).kind).toBe("applied");
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
    const origin = newState();
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
    const origin = newState();
    origin.publish(history.publication(undefined, 3));
    origin.receive(history.delta(3, 5));
    expect(origin.publish(history.publication(3, 4))).toEqual({ kind: "known" });
    expect(origin.publish(history.publication(4, 7)).kind).toBe("applied");
    expect(digest(origin)).toEqual(digest(holding(history.whole(7))));
  });

  test("does not take a sibling's errors for its own", () => {
    const [history, wrong] = [usEast(), new History("us-east")];
    for (const step of [{ a: 1 }, { b: 2, x: 1 }, { a: 5 }, { a: 1 }]) wrong.step(step);
    const origin = newState();
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
    const origin = newState();
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
    // Where a whole section comes in, what lies in between is not known (gap.test.ts).
    const leapt = holding(history.whole(5));
    leapt.receive(history.whole(7));
    expect(leapt.transferSince(ID, history.version(6))?.kind).toBe("whole");
  });
});
