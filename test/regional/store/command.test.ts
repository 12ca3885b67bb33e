import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  COMMAND_HEADER_BYTES,
  COMMAND_VERSION,
  CommandKind,
  commandProposer,
  commandSequence,
  encodeCommand,
} from "../../../regional/store/command.js";

test("a command's header tells its proposer and sequence, the body follows as it was", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), fc.uint8Array(), (proposer, sequence, body) => {
      const data = encodeCommand(CommandKind.txn, proposer, sequence, body);
      expect(data[0]).toBe(COMMAND_VERSION);
      expect(data[1]).toBe(CommandKind.txn);
      expect(commandProposer(data)).toBe(proposer);
      expect(commandSequence(data)).toBe(sequence);
      expect(Uint8Array.from(data.subarray(COMMAND_HEADER_BYTES))).toEqual(body);
    }),
  );
});

test("what is too short to be a command has no proposer", () => {
  expect(commandProposer(new Uint8Array(COMMAND_HEADER_BYTES - 1).fill(1))).toBe(0);
  expect(commandSequence(new Uint8Array(0))).toBe(0);
});
