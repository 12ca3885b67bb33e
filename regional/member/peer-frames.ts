import type { Auditor } from "../audit/auditor.js";
import { decodeAudit } from "../peer/audit-wire.js";
import { decodeDisk } from "../peer/disk-wire.js";
import { FrameType } from "../peer/frame.js";
import { decodeLeaseAnswers, decodeLeaseCalls } from "../peer/lease-wire.js";
import { decodeProposals, decodeRefusal } from "../peer/proposal-wire.js";
import type { DiskCare } from "./disk-care.js";
import type { RaftDriver } from "./driver.js";
import type { LeaseCalls } from "./lease-calls.js";

/** The parts of a member that frames of other members go to, besides raft's own. */
export interface FrameParts {
  readonly driver: RaftDriver;
  readonly leaseCalls: LeaseCalls;
  readonly auditor: Auditor;
  readonly disks: DiskCare;
}

/**
 * Decodes a frame and hands it on. Types of a later version are passed over. Throws
 * DATA_LOSS when the payload is nonsense.
 */
export function dispatchFrame(
  { driver, leaseCalls, auditor, disks }: FrameParts,
  from: number,
  type: number,
  payload: Buffer,
): void {
  if (type === FrameType.proposals) {
    driver.proposals.receive(from, decodeProposals(payload));
  } else if (type === FrameType.proposalsRefused) {
    const { reason, seqs } = decodeRefusal(payload);
    driver.proposals.refused(reason, seqs);
  } else if (type === FrameType.leaseCalls) {
    void leaseCalls.serve(from, decodeLeaseCalls(payload));
  } else if (type === FrameType.leaseAnswers) {
    leaseCalls.receive(decodeLeaseAnswers(payload));
  } else if (type === FrameType.audit) {
    auditor.receive(from, decodeAudit(payload));
  } else if (type === FrameType.diskReport) {
    disks.receive(from, decodeDisk(payload));
  }
}
