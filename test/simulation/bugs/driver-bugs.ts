import {
  ConfChangeTransition,
  ConfChangeType,
  type ConfState,
  MessageType,
} from "../../../regional/raft/index.js";
import { SimDisk } from "../world/disk.js";
import { SimMember } from "../world/member.js";
import { SimNetwork } from "../world/network.js";
import type { PlantedBug } from "./planted-bug.js";

/** Mistakes in what is around the core: a member's driver, its disk, its connections. */
export const DRIVER_BUGS: readonly PlantedBug[] = [
  {
    name: "ack-before-sync",
    about: "appends and votes are acknowledged before they are durable",
    breaks: /durable commit/,
    withinSeeds: 10,
    plant: (patch) => {
      patch.method(
        SimMember.prototype,
        "append",
        (original) =>
          function (this: SimMember, message) {
            const promises = message.responses.filter(
              ({ type }) => type !== MessageType.storageAppendResp,
            );
            const rest = message.responses.filter(
              ({ type }) => type === MessageType.storageAppendResp,
            );
            original.call(this, { ...message, responses: rest });
            this.respond({ ...message, responses: promises });
          },
      );
    },
  },
  {
    name: "forget-vote",
    about: "the term is stored without the vote that was given in it",
    breaks: /election safety|log matching|leader completeness/,
    withinSeeds: 1500,
    plant: (patch) =>
      patch.method(
        SimDisk.prototype,
        "write",
        (original) =>
          function (this: SimDisk, write) {
            const { hardState } = write;
            const stored = hardState === null ? null : { ...hardState, vote: 0 };
            original.call(this, { ...write, hardState: stored });
          },
      ),
  },
  {
    name: "two-members-in-one-step",
    about: "a change of several members takes effect without a joint configuration",
    breaks: /election safety|leader completeness|state-machine safety|durable commit|recovery/,
    withinSeeds: 200,
    plant: (patch) =>
      patch.method(
        SimMember.prototype,
        "changeMembership",
        (original) =>
          function (this: SimMember, change, index) {
            let conf: ConfState | undefined;
            const removals = change.changes.filter(
              ({ type }) => type === ConfChangeType.removeNode,
            );
            const others = change.changes.filter(({ type }) => type !== ConfChangeType.removeNode);
            for (const single of [...others, ...removals]) {
              const simple = { ...change, transition: ConfChangeTransition.auto };
              conf = original.call(this, { ...simple, changes: [single] }, index);
            }
            return conf ?? original.call(this, change, index);
          },
      ),
  },
  {
    name: "lease-after-pause",
    about: "a process that stood still goes on as if no time had passed",
    breaks: /reads in real time|linearizability/,
    withinSeeds: 1500,
    plant: (patch) => patch.method(SimMember.prototype, "wake", () => () => {}),
  },
  {
    name: "torn-record-accepted",
    about: "the part of a last record that a crash left is taken for the whole",
    breaks: /log matching|state-machine safety|leader completeness|durable commit|no crash/,
    withinSeeds: 20,
    plant: (patch) => patch.method(SimDisk.prototype, "isWhole", () => () => true),
  },
  {
    name: "proposal-twice",
    about: "a proposal on its way to the leader is sent twice, and both are taken",
    breaks: /^linearizability/,
    withinSeeds: 20,
    plant: (patch) => patch.method(SimNetwork.prototype, "mayDouble", () => () => true),
  },
];
