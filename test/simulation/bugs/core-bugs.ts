import { MessageType } from "../../../regional/raft/index.js";
import { RaftLog } from "../../../regional/raft/log.js";
import { RawNode } from "../../../regional/raft/raw-node.js";
import { ReadRounds } from "../../../regional/raft/reads.js";
import { Tracker } from "../../../regional/raft/tracker.js";
import { Unstable } from "../../../regional/raft/unstable.js";
import type { PlantedBug } from "./planted-bug.js";

/** Mistakes in the core. */
export const CORE_BUGS: readonly PlantedBug[] = [
  {
    name: "commit-older-term",
    about: "a leader commits an entry of an older term by counting copies (the paper's figure 8)",
    breaks: /leader completeness|state-machine safety/,
    withinSeeds: 1500,
    plant: (patch) =>
      patch.method(
        RaftLog.prototype,
        "maybeCommit",
        () =>
          function (this: RaftLog, index) {
            if (index <= this.committed) return false;
            this.commitTo(index);
            return true;
          },
      ),
  },
  {
    name: "stale-read-context",
    about: "an answer to the heartbeats of one read round counts for a later one (etcd#20418)",
    breaks: /reads in real time|linearizability/,
    withinSeeds: 800,
    plant: (patch) =>
      patch.method(
        ReadRounds.prototype,
        "ack",
        (original) =>
          function (this: ReadRounds, id, round) {
            original.call(this, id, Math.max(round, this.waiting));
          },
      ),
  },
  {
    name: "read-without-quorum",
    about: "a leader answers reads without asking anybody whether it still leads",
    breaks: /reads in real time|linearizability/,
    withinSeeds: 300,
    plant: (patch) =>
      patch.method(ReadRounds.prototype, "ackedIndex", () => () => Number.MAX_SAFE_INTEGER),
  },
  {
    name: "snapshot-over-log",
    about: "a snapshot replaces a log that holds all of it and more",
    breaks: /durable commit|leader completeness|log continuity|state-machine safety|no crash/,
    withinSeeds: 300,
    plant: (patch) => {
      let inSnapshot = false;
      patch.method(
        RawNode.prototype,
        "step",
        (original) =>
          function (this: RawNode, message) {
            inSnapshot = message.type === MessageType.snap;
            const outcome = original.call(this, message);
            inSnapshot = false;
            return outcome;
          },
      );
      patch.method(
        RaftLog.prototype,
        "matchTerm",
        (original) =>
          function (this: RaftLog, index, term) {
            return !inSnapshot && original.call(this, index, term);
          },
      );
    },
  },
  {
    name: "keep-leading-without-quorum",
    about: "a leader that hears from no quorum does not step down",
    breaks: /no leader without a quorum/,
    withinSeeds: 20,
    plant: (patch) => patch.method(Tracker.prototype, "quorumActive", () => () => true),
  },
  {
    name: "vote-for-shorter-log",
    about: "a vote is given to a candidate whose log is not as good as the voter's",
    breaks: /leader completeness|state-machine safety|no crash/,
    withinSeeds: 20,
    plant: (patch) => patch.method(RaftLog.prototype, "isUpToDate", () => () => true),
  },
  {
    name: "lost-truncation",
    about: "a follower overwrites what conflicts, but keeps what came after it",
    breaks: /log matching|log continuity|no crash/,
    withinSeeds: 300,
    plant: (patch) =>
      patch.method(
        Unstable.prototype,
        "truncateAndAppend",
        (original) =>
          function (this: Unstable, entries) {
            const next = (entries.at(-1)?.index ?? 0) + 1;
            const end = (this.lastIndex() ?? 0) + 1;
            const rest = next >= this.offset && next < end ? this.slice(next, end) : [];
            original.call(this, [...entries, ...rest]);
          },
      ),
  },
];
