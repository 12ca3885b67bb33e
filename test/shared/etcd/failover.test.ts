import { describe, expect, test } from "vitest";
import { AtollError, type Code } from "../../../shared/errors.js";
import { attemptMs, blamesEndpoint, mayTryNext } from "../../../shared/etcd/failover.js";

const failed = (code: Code, message = "?"): AtollError => new AtollError(code, message);

describe("a failed call", () => {
  test.each<[Code, string, boolean, boolean]>([
    ["UNAVAILABLE", "No connection established. Last error: connect ECONNREFUSED", true, true],
    ["UNAVAILABLE", "Name resolution failed for target dns:nowhere", true, true],
    ["UNAVAILABLE", "Connection dropped", true, false],
    ["UNAVAILABLE", "etcdserver: request timed out", true, false],
    ["DEADLINE_EXCEEDED", "Deadline exceeded after 1.0s", true, false],
    ["UNKNOWN", "context deadline exceeded", true, false],
    ["DATA_LOSS", "sent a malformed answer", true, false],
    ["UNKNOWN", "something else", false, false],
    ["OUT_OF_RANGE", "compacted", false, false],
    ["RESOURCE_EXHAUSTED", "too large", false, false],
    ["CANCELLED", "cancelled", false, false],
  ])("%s: %s", (code, message, read, write) => {
    const error = failed(code, message);
    expect([mayTryNext(error, "read"), mayTryNext(error, "write")]).toEqual([read, write]);
    expect(blamesEndpoint(error)).toBe(read);
  });

  test("of a read leaves time for the other endpoints; a write has all of it", () => {
    expect([attemptMs(3_000, 3, "read"), attemptMs(1_500, 1, "read")]).toEqual([1_000, 1_500]);
    expect(attemptMs(3_000, 3, "write")).toBe(3_000);
  });
});
