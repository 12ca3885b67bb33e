import { toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COMMAND_HEADER_BYTES, CommandKind } from "../../../regional/store/command.js";
import {
  DeleteRangeRequestSchema,
  PutRequestSchema,
  TxnRequestSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { deleteRange, put, txn } from "./arbitraries.js";
import { command, Driver, encode, printable } from "./support.js";

function filled(): Driver {
  const driver = new Driver();
  driver.apply(command.grant(1n, 10n));
  driver.put("a", "1", { lease: 1n });
  driver.put("b", "2");
  driver.put("b", "3");
  return driver;
}

/** Applies, and sees to it that an error has changed nothing but the position. */
function applyAnything(driver: Driver, data: Uint8Array): void {
  const contents = (): string[] => printable(driver.state.dump()).slice(1);
  const before = contents();
  const { currentRevision } = driver.state;
  const outcome = driver.apply(data);
  expect(outcome.revision).toBeGreaterThanOrEqual(currentRevision);
  if (outcome.kind !== "error") return;
  expect(contents()).toEqual(before);
  expect(driver.state.currentRevision).toBe(currentRevision);
}

const kind = fc.oneof(
  fc.constantFrom(...Object.values(CommandKind)),
  fc.nat(255).map((byte) => byte as CommandKind),
);

describe("apply never throws", () => {
  test("on any bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), (entries) => {
        const driver = filled();
        for (const data of entries) applyAnything(driver, data);
      }),
      { numRuns: 500 },
    );
  });

  test("on any body of any kind", () => {
    fc.assert(
      fc.property(kind, fc.uint8Array({ maxLength: 80 }), (any, body) => {
        applyAnything(filled(), encode(any, body));
      }),
      { numRuns: 3000 },
    );
  });

  test("on real commands that were cut off or changed", () => {
    const body = fc.oneof(
      put.map((request) => [CommandKind.put, toBinary(PutRequestSchema, request)] as const),
      txn.map((request) => [CommandKind.txn, toBinary(TxnRequestSchema, request)] as const),
      deleteRange.map(
        (request) =>
          [CommandKind.deleteRange, toBinary(DeleteRangeRequestSchema, request)] as const,
      ),
    );
    fc.assert(
      fc.property(body, fc.nat(), fc.nat(255), fc.boolean(), ([what, bytes], at, byte, cut) => {
        const data = encode(what, bytes);
        const place = at % data.length;
        if (!cut) data[place] = byte;
        applyAnything(filled(), cut ? data.subarray(0, place) : data);
      }),
      { numRuns: 3000 },
    );
  });

  test("on transactions nested too deep, which every member refuses alike", () => {
    let body: Uint8Array = new Uint8Array(0);
    const nest = (tag: number, inner: Uint8Array): Uint8Array => {
      const length: number[] = [];
      let rest = inner.length;
      for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
      return Uint8Array.of(tag, ...length, rest, ...inner);
    };
    // TxnRequest.success = 2, RequestOp.request_txn = 4.
    for (let depth = 0; depth < 49; depth++) body = nest(0x12, nest(0x22, body));
    expect(new Driver().apply(encode(CommandKind.txn, body)).kind).toBe("txn");
    body = nest(0x12, nest(0x22, body));
    const outcome = new Driver().apply(encode(CommandKind.txn, body));
    expect(outcome).toMatchObject({ kind: "error", error: { code: "INVALID_ARGUMENT" } });
  });

  test("an error names what is wrong", () => {
    const message = (data: Uint8Array): string => {
      const outcome = new Driver().apply(data);
      return outcome.kind === "error" ? outcome.error.message : outcome.kind;
    };
    expect(message(new Uint8Array(0))).toBe("none");
    expect(message(new Uint8Array(3))).toBe("atoll: malformed command: no header");
    expect(message(new Uint8Array(COMMAND_HEADER_BYTES).fill(9))).toBe(
      "atoll: malformed command: format version 9",
    );
    expect(message(encode(99 as CommandKind, new Uint8Array(0)))).toBe(
      "atoll: malformed command: kind 99",
    );
    const junk = Uint8Array.of(0x0a, 0xff);
    expect(message(encode(CommandKind.txn, junk))).toBe(
      "atoll: malformed command: the body is not a TxnRequest",
    );
    expect(message(encode(CommandKind.put, junk))).toBe(
      "atoll: malformed command: the body is not a PutRequest",
    );
    expect(message(encode(CommandKind.memberPublish, junk))).toBe(
      "atoll: malformed command: the body is not a Member",
    );
    expect(message(encode(CommandKind.leaseExpire, junk))).toBe(
      "atoll: malformed command: the body names no expired leases",
    );
    expect(message(encode(CommandKind.leaseCheckpoint, junk))).toBe(
      "atoll: malformed command: the body names no remaining times",
    );
  });

  test("an entry that comes twice is a bug of the caller", () => {
    const { state } = new Driver();
    state.apply(5, 1, new Uint8Array(0));
    expect(() => state.apply(5, 1, new Uint8Array(0))).toThrow("entry 5 after 5");
  });
});
