import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Transfer } from "../../../global/digest/delta.js";
import type { GlobalState } from "../../../global/digest/global-state.js";
import { TransferAssembler } from "../../../global/digest/transfer-assembler.js";
import { encodeTransfer } from "../../../global/digest/wire-transfer.js";
import { GapSchema, SectionChunkSchema } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { arbitraryStep, forged, groupsOf, History, holding, newState, usEast } from "./model.js";

/**
 * A holder that gets a whole section while it holds an earlier one knows what came of the
 * time in between, but not what was touched and came back.
 */
const ID = usEast().id;

function overTheWire(transfer: Transfer): Transfer | undefined {
  const assembler = new TransferAssembler();
  let whole: Transfer | undefined;
  for (const chunk of encodeTransfer(transfer))
    whole = assembler.add(fromBinary(SectionChunkSchema, chunk));
  return whole;
}

/** What `from` tells `into` of the section, taken; what came of it. */
function tell(from: GlobalState, into: GlobalState): string {
  const transfer = from.transferSince(ID, into.have(ID));
  const taken = transfer && overTheWire(transfer);
  return taken === undefined ? "nothing" : into.receive(taken).kind;
}

/** A holder that stood at `first` and was then told the whole at `last`. */
function leapt(history: History, first: number, last: number): GlobalState {
  const state = holding(history.whole(first));
  expect(state.receive(history.whole(last)).kind).toBe("applied");
  return state;
}

describe("a whole section that takes another one's place", () => {
  test("leaves its holder able to tell those who stand where it stood, and no others", () => {
    // a=1 at 3, b=2 at 4, a=5 at 5, a=1 at 6, b gone at 7
    const history = usEast();
    const state = leapt(history, 3, 7);
    const at = (revision: number): Transfer | undefined =>
      state.transferSince(ID, history.version(revision));
    expect(at(3)).toMatchObject({ kind: "delta", from: 3, gap: { after: 3, before: 7 } });
    // a came back to what it was, b came and went: nothing is left of it.
    expect(at(3)?.changes.size).toBe(0);
    for (const revision of [2, 4, 5, 6]) expect(at(revision)?.kind).toBe("whole");
  });

  test("is no way from a section that something is wrong with", () => {
    const history = usEast();
    const state = holding(history.whole(3));
    state.receive(forged(history.delta(3, 4)));
    expect(state.receive(history.whole(7)).kind).toBe("applied");
    expect(state.transferSince(ID, history.version(3))?.kind).toBe("whole");
  });

  test("again leaves two gaps, and what is told from before both leads across both", () => {
    const history = usEast();
    const state = leapt(history, 3, 5);
    expect(state.receive(history.whole(7)).kind).toBe("applied");
    const told = [3, 4, 5, 6].map((r) => state.transferSince(ID, history.version(r)));
    expect(told.map((transfer) => transfer?.kind)).toEqual(["delta", "whole", "delta", "whole"]);
    expect(told[0]).toMatchObject({ gap: { after: 3, before: 7 } });
    expect(told[2]).toMatchObject({ gap: { after: 5, before: 7 } });
  });

  test("which was told across a gap that its holder has seen itself is no gap to that one", () => {
    const history = usEast();
    const told = leapt(history, 3, 5);
    history.step({ c: 1 });
    told.receive(history.delta(5, 8));
    const seen = holding(history.whole(3));
    seen.receive(history.delta(3, 5));
    seen.receive(told.transferSince(ID, history.version(3)) as Transfer);
    expect(seen.section(ID)?.version.revision).toBe(8);
    expect(seen.transferSince(ID, history.version(4))?.kind).toBe("delta");
  });

  test("a holder within the gap asks again instead of taking what isn't meant for it", () => {
    const history = usEast();
    const told = leapt(history, 3, 7).transferSince(ID, history.version(3));
    if (told === undefined) throw new Error("nothing is told");
    const within = holding(history.whole(5));
    expect(within.receive(told)).toMatchObject({ kind: "gap" });
    expect(within.region("us-east")?.fault("machines")).toBeUndefined();
    expect(holding(history.whole(3)).receive(told).kind).toBe("applied");
  });

  test("who took a delta across a gap can't tell from within it either", () => {
    const history = usEast();
    const state = leapt(history, 3, 7);
    const second = holding(history.whole(3));
    expect(tell(state, second)).toBe("applied");
    const kinds = [3, 4, 6].map((r) => second.transferSince(ID, history.version(r))?.kind);
    expect(kinds).toEqual(["delta", "whole", "whole"]);
  });

  test("a gap on the wire must go forward", () => {
    const history = usEast();
    const told = leapt(history, 3, 7).transferSince(ID, history.version(3)) as Transfer;
    const chunk = fromBinary(SectionChunkSchema, encodeTransfer(told)[0] as Uint8Array);
    chunk.gap = create(GapSchema, { after: 7n, before: 7n });
    const bytes = toBinary(SectionChunkSchema, chunk);
    const add = (): unknown => new TransferAssembler().add(fromBinary(SectionChunkSchema, bytes));
    expect(add).toThrow(/gap\.before is 7; it must be from 8/);
  });
});

test("whoever tells whom, by deltas or whole, nobody is ever told what doesn't hold", () => {
  const holders = 4;
  const holder = fc.nat(holders - 1);
  const action = fc.oneof(
    fc.record({ kind: fc.constant("step" as const), step: arbitraryStep }),
    fc.record({ kind: fc.constant("whole" as const), to: holder }),
    fc.record({ kind: fc.constant("tell" as const), from: holder, to: holder }),
    // What was meant for one is taken by another.
    fc.record({ kind: fc.constant("astray" as const), from: holder, meant: holder, to: holder }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const history = new History("us-east");
      history.step({ a: 1, b: 2 });
      const states = Array.from({ length: holders }, newState);
      const at = (index: number): GlobalState => states[index] as GlobalState;
      for (const act of actions) {
        if (act.kind === "step") history.step(act.step);
        else if (act.kind === "whole") at(act.to).receive(history.whole(history.last));
        else if (act.kind === "tell") expect(tell(at(act.from), at(act.to))).not.toBe("refused");
        else {
          const told = at(act.from).transferSince(ID, at(act.meant).have(ID));
          if (told !== undefined) expect(at(act.to).receive(told).kind).not.toBe("refused");
        }
      }
      for (const state of states) {
        const section = state.section(ID);
        if (section === undefined) continue;
        expect(groupsOf(section)).toEqual(new Map(history.groups(section.version.revision)));
      }
    }),
    { numRuns: 300 },
  );
});
