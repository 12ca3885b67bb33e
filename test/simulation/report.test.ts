import { expect, test } from "vitest";
import { parseSimOptions, type SimOptions } from "./options.js";
import { Progress } from "./progress.js";
import { jsonReport, textReport } from "./report.js";
import { noTotals, type Totals } from "./totals.js";

const OPTIONS = parseSimOptions(["--seeds", "1..100", "--bug", "forget-vote"]) as SimOptions;

function totals(): Totals {
  const all = noTotals();
  all.worlds = 100;
  all.broken = [{ seed: 17, violation: "election safety: 1 and then 2 lead term 3" }];
  all.stats.entriesTruncated = 5;
  return all;
}

test("a report names each failed seed with the command that replays it, the counts and the rate", () => {
  const lines = textReport(OPTIONS, totals(), 4).split("\n");
  expect(lines.slice(0, 2)).toEqual([
    "seed 17: election safety: 1 and then 2 lead term 3",
    "  replay: npm run sim -- --seed 17 --bug forget-vote --trace",
  ]);
  expect(lines).toContainEqual(expect.stringMatching(/^entries truncated +5$/));
  expect(lines.at(-2)).toBe(
    "100 worlds in 4.0 s (25.0 a second), slowest recovery 0 units, 1 failed",
  );
});

test("the same as JSON", () => {
  expect(JSON.parse(jsonReport(OPTIONS, totals(), 4))).toMatchObject({
    seeds: { first: 1, last: 100 },
    bug: "forget-vote",
    worldsPerSecond: 25,
    failed: [{ seed: 17, replay: "npm run sim -- --seed 17 --bug forget-vote --trace" }],
    totals: { entriesTruncated: 5 },
  });
});

test("progress is one line rewritten in a terminal, and plain lines elsewhere, now and then", () => {
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    const line = new Progress({ isTTY, write: (text) => written.push(text) }, 50, 0);
    line.update(1, 0, 10);
    expect(written).toEqual([]);
    line.update(20, 1, 10_000);
    line.end();
    const text = "20 of 50 worlds, 2.0 a second, 1 failed";
    const blank = `\r${" ".repeat(text.length)}\r`;
    expect(written).toEqual(isTTY ? [`\r${text}`, blank] : [`${text}\n`]);
  }
});
