import { expect, test } from "vitest";
import { GatewayRing } from "../../../shared/client/gateway-ring.js";
import {
  CLIENT_BACKOFF_MAX_MS,
  CLIENT_BACKOFF_MIN_MS,
  CLIENT_STEADY_MS,
} from "../../../shared/limits.js";
import { seededRandom } from "../../../shared/random.js";

const ring = (targets: string[], first?: string): GatewayRing =>
  new GatewayRing(targets, seededRandom(1), first);

test("the next gateway is asked at once; pauses begin when all have failed, and are bounded", () => {
  const three = ring(["a", "b", "c"], "b");
  expect(three.target).toBe("b");
  const pauses: number[] = [];
  for (let round = 0; round < 12; round++) {
    expect([three.failed("x", 0), three.failed("x", 0)]).toEqual([0, 0]);
    pauses.push(three.failed("x", 0));
    expect(three.target).toBe("b");
  }
  for (const [round, pause] of pauses.entries()) {
    const longest = Math.min(CLIENT_BACKOFF_MAX_MS, CLIENT_BACKOFF_MIN_MS * 2 ** round);
    expect(pause).toBeGreaterThanOrEqual(longest / 2);
    expect(pause).toBeLessThan(longest);
  }
  expect(new Set(pauses).size).toBe(pauses.length);
});

test("a gateway that answers and fails at once doesn't end the pauses; one that lasts does", () => {
  const one = ring(["a"]);
  for (let n = 0; n < 5; n++) one.failed("x", 0);
  one.served(1);
  expect(one.failed("x", 0)).toBeGreaterThan(8 * CLIENT_BACKOFF_MIN_MS);
  one.served(CLIENT_STEADY_MS);
  expect(one.failed("x", 0)).toBeLessThan(CLIENT_BACKOFF_MIN_MS);
});

test("all are lost once each was asked and none has answered for long enough", () => {
  const two = ring(["a", "b"]);
  two.failed(new Error("down"), 1_000);
  expect(two.isLost(9_000, 0)).toBe(false);
  two.failed(new Error("away"), 1_500);
  expect([two.isLost(1_500, 0), two.isLost(1_900, 1_000), two.isLost(2_000, 1_000)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(two.exhausted()).toMatchObject({
    code: "UNAVAILABLE",
    message: "no gateway answers (a: down; b: away)",
  });
  two.served(0);
  two.failed(new Error("ended"), 3_000, true);
  two.failed(new Error("down"), 3_000);
  expect(two.isLost(9_000, 0)).toBe(false);
});

test("there must be a gateway", () => {
  expect(() => ring([])).toThrow("gateways: is empty; name at least one HOST:PORT");
});
