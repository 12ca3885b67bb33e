import { describe, expect, test } from "vitest";
import { compareOutputs } from "./runner/compare.js";
import { parseOutput } from "./runner/parse-output.js";

function compare(expected: string, actual: string) {
  return compareOutputs(parseOutput(expected.split("\n")), parseOutput(actual.split("\n")));
}

const READY = `> 1 handling Ready
  Ready MustSync=true:
  Lead:1 State:StateLeader
  HardState Term:1 Vote:1 Commit:2
  ReadStates [{11 [97 98]} {12 []}]
  Entries:
  1/3 EntryNormal "a ] \\" b"
  Messages:
  1->a MsgApp Term:1 Log:1/2 Commit:2 Entries:[
    1/3 EntryNormal "x"
    1/4 EntryConfChangeV2 v3 l4
  ]
  1->AppendThread MsgStorageAppend Term:0 Log:0/0
    Snapshot: Index:4 Term:1 ConfState:Voters:[1 2] VotersOutgoing:[] Learners:[] LearnersNext:[] AutoLeave:false Responses:[
    1->1 MsgAppResp Term:1 Log:0/3 Rejected (Hint: 2)
  ]`;

describe("an output", () => {
  test("is a tree of what it says", () => {
    const [section] = parseOutput(READY.split("\n"));
    expect(section).toMatchObject({
      kind: "section",
      fields: { node: 1, action: "handling Ready" },
      children: [
        {
          kind: "ready",
          fields: { mustSync: true },
          children: [
            { kind: "soft-state", fields: { lead: 1, state: "StateLeader" } },
            { kind: "hard-state", fields: { term: 1, vote: 1, commit: 2 } },
            {
              kind: "read-states",
              children: [
                { fields: { index: 11, context: "97 98" } },
                { fields: { index: 12, context: "" } },
              ],
            },
            { kind: "entries", children: [{ fields: { data: '"a ] \\" b"' } }] },
            {
              kind: "messages",
              children: [
                {
                  fields: { type: "MsgApp", from: 1, to: 10, logTerm: 1, index: 2, commit: 2 },
                  children: [{ fields: { index: 3 } }, { fields: { data: "v3 l4" } }],
                },
                {
                  fields: { to: "AppendThread", reject: false },
                  children: [
                    { kind: "snapshot", fields: { voters: "1 2", autoLeave: false } },
                    { kind: "responses", children: [{ fields: { reject: true, hint: 2 } }] },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test("means the same with other loggers' lines, indentation and numbers' zeros", () => {
    const logged = READY.replace("  Messages:", "  INFO 1 became leader at term 1\n  Messages:");
    expect(compare(READY, logged.replaceAll("  ", " "))).toEqual([]);
    expect(compare("ok", "INFO nothing to say")).toEqual([]);
    expect(compare("ok", "")).toEqual([]);
  });

  test("is compared in order", () => {
    expect(
      compare("1/1 EntryNormal\n1/2 EntryNormal", "1/2 EntryNormal\n1/1 EntryNormal"),
    ).not.toEqual([]);
  });
});

describe("a difference", () => {
  test("names field, values, place and what it is in", () => {
    expect(compare(READY, READY.replace("Log:1/2", "Log:1/7"))).toEqual([
      {
        line: 8,
        where: [
          "> 1 handling Ready",
          "Ready MustSync=true:",
          "Messages:",
          "1->a MsgApp Term:1 Log:1/2 Commit:2 Entries:[",
        ],
        field: "index",
        expected: "2",
        actual: "7",
      },
    ]);
  });

  test("may be something that is missing, or was not expected", () => {
    const one = "1: StateProbe match=0 next=1";
    const two = "2: StateProbe match=0 next=1 paused";
    expect(compare(`${one}\n${two}`, one)).toMatchObject([
      { line: 1, field: "missing", expected: two, actual: "(nothing)" },
    ]);
    expect(compare(one, `${one}\n${two}`)).toMatchObject([
      { line: 0, field: "unexpected", expected: "(nothing)", actual: two },
    ]);
    expect(compare("ok", two)).toMatchObject([{ field: "unexpected", actual: two }]);
  });

  test("may be one of kind", () => {
    expect(compare("raft proposal dropped", "1/1 EntryNormal")).toMatchObject([
      { field: "text", expected: "raft proposal dropped", actual: "1/1 EntryNormal" },
    ]);
  });

  test("of a malformed message is one of words", () => {
    const [item] = parseOutput(["1->2 MsgApp Term:1 Log:1/2 Entries:[", "1/3 EntryNormal"]);
    expect(item).toMatchObject({ kind: "text" });
  });
});
