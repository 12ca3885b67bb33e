import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type AuditMessage, auditFrame, decodeAudit } from "../../../regional/peer/audit-wire.js";
import { FRAME_HEAD_BYTES, FrameType } from "../../../regional/peer/frame.js";

const index = fc.maxSafeNat();
const hash = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((b) => Buffer.from(b).toString("hex"));
const key = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const version = fc.nat(255);
const message: fc.Arbitrary<AuditMessage> = fc.oneof(
  index.map((at): AuditMessage => ({ kind: "request", index: at })),
  fc
    .record({ kind: fc.constantFrom("chain" as const, "tables" as const), version, index, hash })
    .map((mark): AuditMessage => ({ kind: "mark", mark })),
  fc
    .record({
      kind: fc.constant("slice" as const),
      version,
      round: index,
      index,
      revision: index,
      from: key,
      to: fc.option(key, { nil: undefined }),
      hash,
    })
    .map((mark): AuditMessage => ({ kind: "mark", mark })),
);

const payloadOf = (sent: AuditMessage): Buffer => auditFrame(sent).subarray(FRAME_HEAD_BYTES);

test("what members say of their states comes as it was sent", () => {
  fc.assert(
    fc.property(message, (sent) => {
      expect(auditFrame(sent)[8]).toBe(FrameType.audit);
      expect(decodeAudit(payloadOf(sent))).toEqual(sent);
    }),
  );
});

test("payloads that are cut, too long or of an unknown kind are refused", () => {
  fc.assert(
    fc.property(message, fc.nat(), (sent, at) => {
      const payload = payloadOf(sent);
      expect(() => decodeAudit(payload.subarray(0, at % payload.length))).toThrow("are missing");
      expect(() => decodeAudit(Buffer.concat([payload, Buffer.alloc(1)]))).toThrow("too many");
    }),
  );
  expect(() => decodeAudit(Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0]))).toThrow("unknown kind 9");
});
