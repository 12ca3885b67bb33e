import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeConfChangeV1 } from "../../../regional/raft/conf-change.js";
import {
  type ConfChange,
  ConfChangeTransition,
  ConfChangeType,
  decodeConfChange,
  EntryType,
  encodeConfChange,
} from "../../../regional/raft/index.js";

fc.configureGlobal({ seed: 1 });

const single = fc.record({
  type: fc.constantFrom(...Object.values(ConfChangeType)),
  nodeId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
});
const context = fc.uint8Array({ maxLength: 300 });
const change: fc.Arbitrary<ConfChange> = fc.record({
  transition: fc.constantFrom(...Object.values(ConfChangeTransition)),
  changes: fc.array(single, { maxLength: 5 }),
  context,
});

const v2 = (data: Uint8Array) => decodeConfChange({ type: EntryType.confChangeV2, data });

describe("membership changes as bytes", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(change, (it) => {
        expect(v2(encodeConfChange(it))).toEqual(it);
      }),
    );
  });

  test("the older form, of one change, too", () => {
    fc.assert(
      fc.property(single, context, (one, bytes) => {
        const it = { transition: ConfChangeTransition.auto, changes: [one], context: bytes };
        const data = encodeConfChangeV1(it);
        expect(decodeConfChange({ type: EntryType.confChange, data })).toEqual(it);
      }),
    );
  });

  test("leaving a joint configuration is no bytes at all", () => {
    const leave = {
      transition: ConfChangeTransition.auto,
      changes: [],
      context: new Uint8Array(0),
    };
    expect(encodeConfChange(leave)).toHaveLength(0);
  });

  test("the bytes are those of raftpb: ConfChangeV2 { changes: AddLearnerNode 300 }", () => {
    const changes = [{ type: ConfChangeType.addLearnerNode, nodeId: 300 }];
    const it = { transition: ConfChangeTransition.auto, changes, context: new Uint8Array(0) };
    expect([...encodeConfChange(it)]).toEqual([0x12, 5, 0x08, 3, 0x10, 0xac, 0x02]);
  });

  test("the older form takes no more than one change", () => {
    const leave = {
      transition: ConfChangeTransition.auto,
      changes: [],
      context: new Uint8Array(0),
    };
    expect(() => encodeConfChangeV1(leave)).toThrow(/exactly one change/);
  });

  test.each([
    [[0x12, 9, 1], /cut off/],
    [[0x80], /middle of a number/],
    [[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], /out of range/],
    [[0x08, 7], /unknown type 7/],
    [[0x0d, 1, 2, 3, 4], /wire type/],
  ])("malformed bytes %j are refused by name", (data, message) => {
    expect(() => v2(Uint8Array.from(data))).toThrow(message);
  });

  test("any bytes either decode or are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
        try {
          v2(data);
        } catch (error) {
          expect(String(error)).toContain("membership change");
        }
      }),
    );
  });

  test("a normal entry holds none", () => {
    expect(() => decodeConfChange({ type: EntryType.normal, data: new Uint8Array(0) })).toThrow(
      /normal/,
    );
  });
});
