import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMessages, MessageEncoder, TRAVELLING_TYPES } from "../../../regional/peer/wire.js";
import {
  type EntryType,
  type Message,
  MessageType,
  makeMessage,
} from "../../../regional/raft/index.js";
import { AtollError } from "../../../shared/errors.js";

const id = fc.nat({ max: Number.MAX_SAFE_INTEGER - 100 });
const type = fc.constantFrom(...Object.values(MessageType).filter((t) => TRAVELLING_TYPES.has(t)));
const message: fc.Arbitrary<Message> = fc
  .record({
    type,
    to: fc.constant(7),
    from: fc.constant(1),
    term: id,
    logTerm: id,
    index: id,
    commit: id,
    reject: fc.boolean(),
    rejectHint: id,
    priority: fc.nat(255),
    context: fc.option(fc.uint8Array({ maxLength: 20 })),
    entries: fc.array(
      fc.record({
        term: fc.nat(3),
        type: fc.constantFrom<EntryType[]>(0, 1, 2),
        data: fc.uint8Array({ maxLength: 50 }),
      }),
      { maxLength: 5 },
    ),
  })
  .map((fields) =>
    makeMessage({
      ...fields,
      entries: fields.entries.map((entry, i) => ({ ...entry, index: fields.index + 1 + i })),
    }),
  );

function encode(messages: readonly Message[], encoder = new MessageEncoder()): Buffer {
  const payload = Buffer.alloc(messages.reduce((sum, m) => sum + encoder.size(m), 0));
  let at = 0;
  for (const one of messages) at = encoder.write(payload, at, one);
  expect(at).toBe(payload.length);
  return payload;
}

describe("raft messages on the wire", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), (messages) => {
        expect(decodeMessages(encode(messages), 1, 7)).toEqual(messages);
      }),
    );
  });

  it("share the encoding of entries that go to several members", () => {
    const entries = [{ term: 2, index: 5, type: 0 as const, data: Buffer.from("abc") }];
    const to = (peer: number): Message =>
      makeMessage({ type: MessageType.app, to: peer, from: 1, index: 4, entries });
    const encoder = new MessageEncoder();
    const first = encode([to(7)], encoder);
    expect(encode([to(8)], encoder)).toEqual(first);
    const longer = makeMessage({
      ...to(7),
      entries: [...entries, { term: 3, index: 6, type: 0, data: Buffer.from("def") }],
    });
    expect(decodeMessages(encode([longer], encoder), 1, 7)[0]?.entries).toHaveLength(2);
  });

  it("are refused with DATA_LOSS when the bytes are cut, changed or random", () => {
    const whole = fc.array(message, { minLength: 1, maxLength: 2 }).map((m) => encode(m));
    const damaged = fc.tuple(whole, fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
      const copy = Buffer.from(bytes);
      copy[at % copy.length] = value;
      return copy;
    });
    const cut = fc
      .tuple(whole, fc.nat())
      .map(([bytes, at]) => bytes.subarray(0, at % bytes.length));
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(damaged, cut, random), (payload) => {
        try {
          decodeMessages(payload, 1, 7);
        } catch (error) {
          expect(error).toBeInstanceOf(AtollError);
          expect((error as AtollError).code).toBe("DATA_LOSS");
        }
      }),
    );
  });

  it("are refused when a member speaks in another's name", () => {
    const forged = encode([makeMessage({ type: MessageType.heartbeat, to: 7, from: 2 })]);
    expect(() => decodeMessages(forged, 1, 7)).toThrow("member 1 sent a message as member 2");
    const passedOn = encode([makeMessage({ type: MessageType.readIndex, to: 7, from: 2 })]);
    expect(decodeMessages(passedOn, 1, 7)[0]?.from).toBe(2);
  });

  it("never carry storage messages, proposals or snapshots", () => {
    for (const local of [
      MessageType.hup,
      MessageType.prop,
      MessageType.snap,
      MessageType.storageAppendResp,
    ]) {
      expect(TRAVELLING_TYPES.has(local)).toBe(false);
      const payload = encode([makeMessage({ type: local, to: 7, from: 1 })]);
      expect(() => decodeMessages(payload, 1, 7)).toThrow("a peer sent a message of type");
    }
  });
});
