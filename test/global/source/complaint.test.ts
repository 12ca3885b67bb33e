import { expect, test } from "vitest";
import { Complaint } from "../../../global/source/complaint.js";
import { AtollError } from "../../../shared/errors.js";
import { SOURCE_REMINDER_MS } from "../../../shared/limits.js";
import { createLogger } from "../../../shared/log.js";

const DENIED = new AtollError("PERMISSION_DENIED", "permission denied to gateway");
const DOWN = new AtollError("UNAVAILABLE", "no endpoint answers", { cause: new Error("refused") });

/** A complaint, the lines that it has logged, and a clock to be set. */
function begin(patience: number) {
  const said: string[] = [];
  const write = (line: string): void => {
    const { msg, error, cause } = JSON.parse(line) as Record<string, string>;
    said.push([msg, error, cause].filter((part) => part !== undefined).join(": "));
  };
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs };
  const log = createLogger("info", {}, { write });
  const texts = { failing: "can't write", mended: "can write again" };
  return { complaint: new Complaint({ log, clock, ...texts, patience }), said, clock };
}

test("is said once when it begins, again after a while, and once when it is over", () => {
  const { complaint, said, clock } = begin(1);
  for (let second = 0; second < SOURCE_REMINDER_MS / 1_000; second++) {
    clock.nowMs = second * 1_000;
    complaint.failed(DENIED);
    expect(complaint.text).toBe(DENIED.message);
  }
  expect(said).toEqual(["can't write: permission denied to gateway"]);
  clock.nowMs = SOURCE_REMINDER_MS;
  complaint.failed(DENIED);
  expect(said).toHaveLength(2);
  complaint.over();
  complaint.over();
  expect(said.slice(2)).toEqual(["can write again"]);
  expect(complaint.text).toBeUndefined();
});

test("is said at once when it becomes another one, with its cause", () => {
  const { complaint, said } = begin(1);
  complaint.failed(DENIED);
  complaint.failed(DOWN);
  complaint.failed(DOWN);
  expect(said.slice(1)).toEqual(["can't write: no endpoint answers: refused"]);
  expect(complaint.text).toBe(DOWN.message);
});

test("counts only when it fails several times in a row, where that is asked for", () => {
  const { complaint, said } = begin(3);
  for (let round = 0; round < 5; round++) {
    complaint.failed(DOWN);
    complaint.failed(DOWN);
    complaint.over();
  }
  expect(said).toEqual([]);
  for (let i = 0; i < 3; i++) complaint.failed(DOWN);
  expect(said).toHaveLength(1);
});
