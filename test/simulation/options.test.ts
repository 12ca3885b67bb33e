import { expect, test } from "vitest";
import { HELP, parseSimOptions } from "./options.js";

test("without words, some worlds are run on all cores", () => {
  expect(parseSimOptions([])).toMatchObject({
    first: 1,
    last: 200,
    trace: false,
    bug: null,
    json: false,
  });
});

test("seeds, a mistake, threads and the form of output can be given", () => {
  const words = "--seeds 3..9 --bug forget-vote --workers 2 -o json".split(" ");
  const expected = { first: 3, last: 9, bug: "forget-vote", workers: 2, json: true, trace: false };
  expect(parseSimOptions(words)).toEqual(expected);
  expect(parseSimOptions(["--seed", "7", "--trace"])).toMatchObject({
    first: 7,
    last: 7,
    trace: true,
  });
});

test("help names every mistake that can be planted", () => {
  expect(parseSimOptions(["--help"])).toBeNull();
  expect(HELP).toContain("commit-older-term");
});

test.each([
  [["--seeds", "9..3"], '--seeds is "9..3"; it must be a range such as 1..200'],
  [["--seeds", "many"], '--seeds is "many"; it must be a range such as 1..200'],
  [["--seed", "1..2"], '--seed is "1..2"; it must be a number such as 17'],
  [["--seed", "1", "--seeds", "1..2"], "--seed and --seeds exclude each other"],
  [["--trace"], "--trace needs --seed"],
  [["--workers", "0"], '--workers is "0"; it must be a number from 1 to 64'],
  [["-o", "xml"], '--output is "xml"; it must be text or json'],
  [["--bug", "none"], '--bug is "none"; there are commit-older-term, '],
])("%j is refused", (words, message) => {
  expect(() => parseSimOptions(words)).toThrow(message);
});
