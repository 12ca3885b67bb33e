import { expect, test } from "vitest";
import { AtollError } from "../../../shared/errors.js";
import { fromServiceError, toServiceError } from "../../../shared/rpc/status.js";
import { decodeTypedDetail } from "../../../shared/rpc/typed-detail.js";

test("an error's typed detail goes over the wire with it", () => {
  const typed = { typeName: "atoll.test.v1.Thing", bytes: Uint8Array.of(1, 2, 3) };
  const error = new AtollError("ABORTED", "größer", { typed });
  const received = fromServiceError(toServiceError(error), "127.0.0.1:1");
  expect(received).toMatchObject({ code: "ABORTED", message: "größer" });
  expect(received.typed?.typeName).toBe("atoll.test.v1.Thing");
  expect([...(received.typed?.bytes ?? [])]).toEqual([1, 2, 3]);
});

test("an error without one has none, and a trailer that can't be read is none", () => {
  const plain = toServiceError(new AtollError("ABORTED", "no"));
  expect(fromServiceError(plain, "x").typed).toBeUndefined();
  expect(decodeTypedDetail(Uint8Array.of(0xff, 0xff, 0xff))).toBeUndefined();
  expect(decodeTypedDetail(new Uint8Array(0))).toBeUndefined();
});
