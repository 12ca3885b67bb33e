import { expect, test } from "vitest";
import { MemoryStorage, RawNode } from "../../../regional/raft/index.js";
import { AtollError } from "../../../shared/errors.js";
import { configOf, normal, type Settings, storageWith } from "./group.js";

test.each([
  ["electionTicks", { electionTicks: 1 }, /electionTicks is 1; .*at least 2/],
  ["heartbeatTicks", { heartbeatTicks: 0 }, /heartbeatTicks is 0/],
  ["maxInflightMessages", { maxInflightMessages: 0 }, /maxInflightMessages is 0/],
  ["maxInflightBytes", { maxInflightBytes: 10 }, /maxInflightBytes is 10/],
  ["maxUncommittedSize", { maxUncommittedSize: 0 }, /maxUncommittedSize is 0/],
  ["applied", { applied: -1 }, /applied is -1/],
  ["maxSizePerMessage", { maxSizePerMessage: 1.5 }, /maxSizePerMessage is 1.5/],
  ["readOnly", { readOnly: "leaseBased" }, /readOnly is leaseBased, which needs checkQuorum/],
  ["honourLeases", { honourLeases: true }, /honourLeases is true, which needs checkQuorum/],
  [
    "honourLeases under leaseBased",
    { readOnly: "leaseBased", checkQuorum: true, honourLeases: false },
    /readOnly is leaseBased, which needs honourLeases/,
  ],
  ["priority", { priority: -1 }, /priority is -1/],
  ["priority beyond a byte", { priority: 256, checkQuorum: true }, /at most 255/],
  ["priority without checkQuorum", { priority: 1 }, /priority is 1, which needs checkQuorum/],
] as [string, Settings, RegExp][])("a wrong %s is refused by name", (_, settings, message) => {
  const make = () => new RawNode(configOf(1, storageWith([1, 2]), settings));
  expect(make).toThrow(message);
  expect(make).toThrow(AtollError);
});

test("a node id must be a positive safe integer", () => {
  for (const id of [0, -1, 1.5, 2 ** 53]) {
    expect(() => new RawNode(configOf(id, storageWith([1])))).toThrow(/raft config: id/);
  }
});

test("a stored commit index must lie within the stored log", () => {
  const storage = storageWith([1], [normal(1, 2)]);
  storage.setHardState({ term: 1, vote: 0, commit: 5 });
  expect(() => new RawNode(configOf(1, storage))).toThrow(/commit index 5 is outside/);
});

test("state ahead of its log is refused", () => {
  const storage = storageWith([1], [normal(1, 2)]);
  expect(() => new RawNode(configOf(1, storage, { applied: 7 }))).toThrow(/7 is outside/);
});

test("what is applied counts as committed, even if that was not stored in time", () => {
  const storage = storageWith([1], [normal(1, 2), normal(1, 3)], 1);
  const node = new RawNode(configOf(1, storage, { applied: 3 }));
  expect(node.status()).toMatchObject({ commit: 3, applied: 3, term: 1 });
});

test("a stored membership that makes no sense is refused", () => {
  const storage = new MemoryStorage();
  const confState = {
    voters: [1],
    learners: [1],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  storage.applySnapshot({ data: new Uint8Array(0), metadata: { index: 1, term: 1, confState } });
  expect(() => new RawNode(configOf(1, storage))).toThrow(/both a learner and a voter/);
});
