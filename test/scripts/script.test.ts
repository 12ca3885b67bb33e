import { describe, expect, test } from "vitest";
import { parseScript } from "./runner/script.js";

function parse(...lines: string[]) {
  return parseScript("some.txt", lines.join("\n"));
}

function problem(...lines: string[]): string {
  try {
    parse(...lines);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "no error";
}

describe("a script", () => {
  test("is commands with input and expected output", () => {
    const script = parse(
      "# Why it is there,",
      "# in two lines.",
      "",
      "propose-conf-change 1 transition=auto",
      "v1 l2",
      "----",
      "first",
      "second",
      "",
      "# A comment.",
      "stabilize 1 2",
      "----",
      "",
    );
    expect(script.reason).toBe("Why it is there,\nin two lines.");
    const [one, two] = script.directives;
    expect(one).toMatchObject({
      place: { file: "some.txt", line: 4 },
      command: "propose-conf-change",
      args: [
        { key: "1", values: null },
        { key: "transition", values: ["auto"] },
      ],
      input: "v1 l2",
      expected: { lines: ["first", "second"], firstLine: 7 },
    });
    expect(two).toMatchObject({ command: "stabilize", input: "", expected: { lines: [] } });
  });

  test("has options with lists, and lines that go on after a backslash", () => {
    const [directive] = parse(
      "add-nodes 3 voters=(1, 2,3) \\",
      "   learners=() drop=4",
      "----",
      "ok",
    ).directives;
    expect(directive?.args).toEqual([
      { key: "3", values: null },
      { key: "voters", values: ["1", "2", "3"] },
      { key: "learners", values: [] },
      { key: "drop", values: ["4"] },
    ]);
  });

  test("may have blank lines in an output between two separators", () => {
    const script = parse(
      "status 1",
      "----",
      "----",
      "a",
      "",
      "b",
      "----",
      "----",
      "",
      "status 2",
      "----",
      "c",
    );
    expect(script.directives.map(({ expected }) => expected.lines)).toEqual([
      ["a", "", "b"],
      ["c"],
    ]);
  });

  test("with Windows line ends is the same", () => {
    const script = parseScript(
      "some.txt",
      "status 1\r\n----\r\nok\r\n\r\nstatus 2\r\n----\r\nok\r\n",
    );
    expect(script.directives.map(({ expected }) => expected.lines)).toEqual([["ok"], ["ok"]]);
  });

  test.each([
    ["no separator", ["# x", "status 1", "ok"], "some.txt:2: status has no output: a line ----"],
    [
      "an open list",
      ["add-nodes 3 voters=(1,2", "----", "ok"],
      'some.txt:1: "voters=(1,2" is malformed',
    ],
    ["text after a list", ["stabilize a=(1)b", "----"], 'some.txt:1: "a=(1)b" is malformed'],
    ["no command", ["a=1", "----", "ok"], 'some.txt:1: "a=1" begins with no command'],
    ["an open fence", ["status 1", "----", "----", "a"], "some.txt:1: its output has no end"],
    ["nothing", ["# only a comment", ""], "some.txt:1: it holds no command"],
  ])("with %s is refused, with its place", (_, lines, expected) => {
    expect(problem(...lines)).toContain(expected);
  });
});
