import type { LeaseStatus } from "../node.js";
import {
  type LeaseAnswer,
  type LeaseCall,
  type LeaseOp,
  leaseAnswersFrame,
  leaseCallsFrame,
} from "../peer/lease-wire.js";
import type { PeerTransport } from "../peer/transport.js";
import type { RaftDriver } from "./driver.js";
import type { LeaseCallTarget } from "./lease-calls.js";
import type { LeaseKeeper } from "./lease-keeper.js";

/** The parts of a member that calls about leases go through. */
export interface LeaseParts {
  readonly self: number;
  readonly driver: RaftDriver;
  readonly leases: LeaseKeeper;
  readonly transport: PeerTransport;
}

/** Where calls about leases go: to this member's keeper, or to the leader by the transport. */
export class LeasePort implements LeaseCallTarget {
  readonly self: number;
  readonly #parts: LeaseParts;

  /** @param parts read when used, so that they may be made after this */
  constructor(parts: LeaseParts) {
    this.self = parts.self;
    this.#parts = parts;
  }

  get lead(): number {
    return this.#parts.driver.lead;
  }

  answer(op: LeaseOp, lease: bigint): Promise<LeaseStatus | undefined> {
    return this.#parts.leases.answer(op, lease);
  }

  sendCalls(lead: number, calls: readonly LeaseCall[]): boolean {
    const { transport } = this.#parts;
    if (!transport.isReady(lead)) return false;
    transport.queueFrame(lead, leaseCallsFrame(calls));
    return true;
  }

  sendAnswers(to: number, answers: readonly LeaseAnswer[]): void {
    this.#parts.transport.queueFrame(to, leaseAnswersFrame(answers));
    this.wake();
  }

  wake(): void {
    this.#parts.driver.wake();
  }
}
