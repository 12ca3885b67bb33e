import type { Logger } from "../../shared/log.js";
import type { MemberStorage } from "../backend/storage.js";
import type { Status } from "../raft/index.js";
import type { Applier } from "./applier.js";
import type { Connections } from "./connections.js";
import { DiskCare } from "./disk-care.js";
import type { RaftDriver } from "./driver.js";

/** The parts of a member that its care for disks uses; read when used, so they may be made later. */
export interface DiskParts {
  readonly self: number;
  readonly storage: MemberStorage;
  readonly driver: RaftDriver;
  readonly applier: Applier;
  readonly connections: Connections;
  raftStatus(): Status;
  wake(): void;
}

/** The care for disks of a member. */
export function makeDiskCare(parts: DiskParts, log: Logger): DiskCare {
  const { self, storage } = parts;
  return new DiskCare({
    self,
    storage,
    leads: () => parts.driver.lead === self && !parts.driver.isStopped,
    voters: () => parts.applier.state.applied.confState.voters,
    raftStatus: () => parts.raftStatus(),
    transferTo: (member) => parts.driver.feed((raft) => raft.transferLeader(member)),
    broadcast: (frame) => {
      parts.connections.broadcast(frame);
      parts.wake();
    },
    log,
  });
}
