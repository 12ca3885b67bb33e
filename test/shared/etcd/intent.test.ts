import { expect, test } from "vitest";
import { isIntent, parseIntent } from "../../../shared/etcd/intent.js";

test("a region's intent is one of four words", () => {
  expect(parseIntent('{"format":1,"intent":"standby"}')).toBe("standby");
  expect(
    ["active", "draining", "evacuated", "standby", "", "ACTIVE"].filter(isIntent),
  ).toHaveLength(4);
});

test.each([
  ["standby", "is not JSON"],
  ['{"format":1,"intent":"asleep"}', "intent: is not one of active, draining, evacuated, standby"],
  ['{"format":2,"intent":"active"}', "format"],
  ['{"format":1,"intent":"active","why":"x"}', "why"],
])("%s is refused by field", (text, message) => {
  expect(() => parseIntent(text)).toThrow("/atoll/intent");
  expect(() => parseIntent(text)).toThrow(message);
});
