import { create, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { changeMembership } from "../../../regional/raft/membership.js";
import { type ConfChange, type ConfState, NO_NODE } from "../../../regional/raft/types.js";
import { CommandKind } from "../../../regional/store/command.js";
import { confChangeOf, decodeMemberChange } from "../../../regional/store/member-change.js";
import type { MemberAttributes } from "../../../regional/store/member-message.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import { RecordTable } from "../../../regional/store/records.js";
import { RegionState } from "../../../regional/store/state.js";
import { MemberSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { CONF_STATE, command, Driver, encode, type Init, printable, reload } from "./support.js";

function textOf(outcome: Outcome): string {
  return outcome.kind === "error" ? outcome.error.message : outcome.kind;
}

describe("what is known of members", () => {
  let driver: Driver;
  beforeEach(() => {
    driver = new Driver();
  });
  const member = (fields: Init<typeof MemberSchema>, kind?: CommandKind): string =>
    textOf(driver.apply(command.member(fields, kind)));

  test("a member publishes its name and client URLs, as often as it likes", () => {
    expect(member({ ID: 33n, name: "three", clientURLs: ["http://c"] })).toBe("member");
    expect(member({ ID: 11n, name: "one", peerURLs: ["http://not-its-business"] })).toBe("member");
    expect(member({ ID: 11n, name: "uno" })).toBe("member");
    expect(driver.state.members()).toEqual([
      { id: 11, name: "uno", peerUrls: [], clientUrls: [] },
      { id: 33, name: "three", peerUrls: [], clientUrls: ["http://c"] },
    ]);
    expect(driver.state.currentRevision).toBe(1);
  });

  test("a member moves; what it publishes stays, and moves nothing", () => {
    member({ ID: 11n, name: "one", clientURLs: ["http://c"] });
    expect(member({ ID: 11n, peerURLs: ["http://new:1"] }, CommandKind.memberMove)).toBe("member");
    member({ ID: 11n, name: "uno", clientURLs: ["http://d"] });
    expect(driver.state.member(11)).toEqual({
      id: 11,
      name: "uno",
      peerUrls: ["http://new:1"],
      clientUrls: ["http://d"],
    });
  });

  test("nobody moves to where another one is, and no stranger moves", () => {
    const move = (ID: bigint, url: string): string =>
      member({ ID, peerURLs: ["http://x:9", url] }, CommandKind.memberMove);
    expect(move(11n, "http://a:1")).toBe("member");
    expect(move(11n, "http://a:1")).toBe("member");
    expect(move(22n, "http://a:1")).toBe("etcdserver: Peer URLs already exists");
    expect(move(99n, "http://b:1")).toBe("etcdserver: member not found");
  });

  test("a stranger, and an id that is none, are refused", () => {
    expect(member({ ID: 99n, name: "x" })).toBe("etcdserver: member not found");
    const noId = "atoll: malformed command: the member's id is not a safe integer";
    expect(member({ ID: 0n, name: "x" })).toBe(noId);
    expect(member({ ID: 2n ** 60n, name: "x" })).toBe(noId);
    expect(driver.state.members()).toEqual([]);
  });

  test("who leaves the group is remembered as removed, in the records too", () => {
    for (const ID of [11n, 22n, 33n]) driver.apply(command.member({ ID, name: `m${ID}` }));
    driver.state.takeChanges();
    const leave = { transition: 0, changes: [], context: new Uint8Array(0) } as const;
    const joint = { ...CONF_STATE, voters: [11, 33], votersOutgoing: [11, 22, 33] };
    driver.state.applyConfChange(50, 2, leave, () => joint);
    expect(driver.state.members()).toHaveLength(3);
    driver.state.applyConfChange(51, 2, leave, () => ({ ...CONF_STATE, voters: [11, 33] }));
    expect(driver.state.members().map(({ id }) => id)).toEqual([11, 33]);
    expect(driver.state.isRemoved(22)).toBe(true);
    expect(driver.state.applied).toMatchObject({ index: 51, term: 2 });
    const { records } = driver.state.takeChanges();
    expect(records.map(({ table, key, value }) => [table, key, value === null])).toEqual([
      [RecordTable.members, 22, true],
      [RecordTable.removedMembers, 22, false],
      [RecordTable.meta, 0, false],
    ]);
    const copy = reload(driver.state.dump());
    expect(copy.applied.confState.voters).toEqual([11, 33]);
    expect(copy.isRemoved(22)).toBe(true);
    expect(printable(copy.dump())).toEqual(printable(driver.state.dump()));
  });
});

function attributes(id: number, name = ""): MemberAttributes {
  return { id, name, peerUrls: [`http://peer:${id}`], clientUrls: [] };
}

/** A state and as much of the raft core as changes of the configuration need. */
class Group {
  readonly state = RegionState.origin([attributes(33), attributes(11), attributes(22)]);
  /** What was left of each change. */
  readonly effective: ConfChange["changes"][] = [];
  #index = 0;

  change(kind: CommandKind, fields: Init<typeof MemberSchema>): string {
    const data = encode(kind, toBinary(MemberSchema, create(MemberSchema, fields)));
    const change = decodeMemberChange(data);
    if (typeof change === "string") throw new Error(change);
    return this.apply(confChangeOf(change, data));
  }

  apply(change: ConfChange): string {
    this.#index++;
    return textOf(
      this.state.applyConfChange(this.#index, 1, change, (left) => this.#reconfigure(left)),
    );
  }

  #reconfigure(change: ConfChange): ConfState {
    this.effective.push(change.changes);
    return changeMembership(this.state.applied.confState, change).conf;
  }
}

describe("changes of the members", () => {
  let group: Group;
  beforeEach(() => {
    group = new Group();
  });
  const { memberAdd, memberRemove, memberPromote } = CommandKind;

  test("a new group knows its first members, and writes them down with its first entry", () => {
    expect(group.state.applied.confState.voters).toEqual([11, 22, 33]);
    expect(group.state.members()).toEqual([attributes(11), attributes(22), attributes(33)]);
    group.state.apply(1, 1, new Uint8Array(0));
    const { records } = group.state.takeChanges();
    const keys = records.filter(({ table }) => table === RecordTable.members).map(({ key }) => key);
    expect(new Set(keys)).toEqual(new Set([11, 22, 33]));
    expect(reload(group.state.dump()).members()).toEqual(group.state.members());
  });

  test("a learner is added, promoted and removed, and its id is spent", () => {
    const peerURLs = ["http://peer:44"];
    expect(group.change(memberAdd, { ID: 44n, peerURLs, isLearner: true })).toBe("member");
    expect(group.state.applied.confState).toMatchObject({ voters: [11, 22, 33], learners: [44] });
    expect(group.state.member(44)).toEqual(attributes(44));
    expect(group.change(memberPromote, { ID: 44n })).toBe("member");
    expect(group.state.applied.confState.voters).toEqual([11, 22, 33, 44]);
    expect(group.state.member(44)).toEqual(attributes(44));
    expect(group.change(memberRemove, { ID: 44n })).toBe("member");
    expect(group.state.members()).toHaveLength(3);
    expect(group.change(memberAdd, { ID: 44n, peerURLs })).toBe("etcdserver: member not found");
    expect(group.state.applied.confState.voters).toEqual([11, 22, 33]);
  });

  test.each([
    ["an id that is there", memberAdd, { ID: 11n }, "etcdserver: member ID already exist"],
    [
      "an address that is taken",
      memberAdd,
      { ID: 44n, peerURLs: ["http://new:1", "http://peer:22"] },
      "etcdserver: Peer URLs already exists",
    ],
    ["a stranger's removal", memberRemove, { ID: 44n }, "etcdserver: member not found"],
    ["a stranger's promotion", memberPromote, { ID: 44n }, "etcdserver: member not found"],
    [
      "a voter's promotion",
      memberPromote,
      { ID: 11n },
      "etcdserver: can only promote a learner member",
    ],
  ])("%s is struck out", (_what, kind, fields, text) => {
    const before = printable(group.state.dump());
    expect(group.change(kind, fields)).toBe(text);
    expect(group.effective.flat().map(({ nodeId }) => nodeId)).toEqual([NO_NODE]);
    expect(group.state.applied.confState.voters).toEqual([11, 22, 33]);
    expect(printable(group.state.dump()).slice(1)).toEqual(before.slice(1));
  });

  test("there is one learner at a time", () => {
    const add = (id: number): string =>
      group.change(memberAdd, { ID: BigInt(id), peerURLs: [`http://l:${id}`], isLearner: true });
    expect(add(44)).toBe("member");
    expect(add(55)).toBe("etcdserver: too many learner members in cluster");
    expect(group.state.applied.confState.learners).toEqual([44]);
  });

  test("a change whose command says something else is struck out, as is one that is malformed", () => {
    const data = command.member({ ID: 44n, peerURLs: ["http://l:44"] }, memberAdd);
    const change = decodeMemberChange(data);
    if (typeof change === "string") throw new Error(change);
    const good = confChangeOf(change, data);
    const malformed = (text: string): string => `atoll: malformed command: ${text}`;
    const differs = malformed("it differs from the configuration's change");
    const [single] = good.changes;
    expect(group.apply({ ...good, changes: [] })).toBe(differs);
    expect(group.apply({ ...good, changes: [...good.changes, ...good.changes] })).toBe(differs);
    expect(group.apply({ ...good, changes: [{ type: 1, nodeId: 44 }] })).toBe(differs);
    expect(group.apply({ ...good, changes: [{ type: single?.type ?? 0, nodeId: 45 }] })).toBe(
      differs,
    );
    for (const context of [Uint8Array.of(1), command.member({ ID: 11n }), data.subarray(0, -1)]) {
      expect(group.apply({ ...good, context })).toContain("malformed command");
    }
    expect(group.state.applied.confState.voters).toEqual([11, 22, 33]);
  });

  test("as a plain entry such a command does nothing", () => {
    const outcome = group.state.apply(1, 1, command.member({ ID: 11n }, memberRemove));
    expect(textOf(outcome)).toBe("atoll: malformed command: kind 11");
    expect(group.state.applied.confState.voters).toEqual([11, 22, 33]);
  });
});
