import { type AuditMessage, decodeAudit } from "../peer/audit-wire.js";
import { type DiskReport, decodeDisk } from "../peer/disk-wire.js";
import { FrameType } from "../peer/frame.js";
import {
  decodeLeaseAnswers,
  decodeLeaseCalls,
  type LeaseAnswer,
  type LeaseCall,
} from "../peer/lease-wire.js";
import {
  decodeProposals,
  decodeRefusal,
  type Refusal,
  type WireProposal,
} from "../peer/proposal-wire.js";

/** Where the frames between members go that aren't raft's own. */
export interface FrameTargets {
  proposals(from: number, proposals: readonly WireProposal[]): void;
  refused(reason: Refusal, seqs: readonly number[]): void;
  leaseCallsOf(from: number, calls: readonly LeaseCall[]): void;
  leaseAnswers(answers: readonly LeaseAnswer[]): void;
  diskReported(from: number, report: DiskReport): void;
  audited(from: number, message: AuditMessage): void;
}

/**
 * Decodes a frame and hands it on. Types of a later version are passed over. Throws
 * DATA_LOSS when the payload is nonsense.
 */
export function dispatchFrame(
  targets: FrameTargets,
  from: number,
  type: number,
  payload: Buffer,
): void {
  if (type === FrameType.proposals) {
    targets.proposals(from, decodeProposals(payload));
  } else if (type === FrameType.proposalsRefused) {
    const { reason, seqs } = decodeRefusal(payload);
    targets.refused(reason, seqs);
  } else if (type === FrameType.leaseCalls) {
    targets.leaseCallsOf(from, decodeLeaseCalls(payload));
  } else if (type === FrameType.leaseAnswers) {
    targets.leaseAnswers(decodeLeaseAnswers(payload));
  } else if (type === FrameType.audit) {
    targets.audited(from, decodeAudit(payload));
  } else if (type === FrameType.diskReport) {
    targets.diskReported(from, decodeDisk(payload));
  }
}
