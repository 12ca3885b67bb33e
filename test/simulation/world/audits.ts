import { Auditor } from "../../../regional/audit/auditor.js";
import { decodeAudit } from "../../../regional/peer/audit-wire.js";
import { FRAME_HEAD_BYTES } from "../../../regional/peer/frame.js";
import { createLogger } from "../../../shared/log.js";
import type { SimMember } from "./member.js";
import type { SimNetwork } from "./network.js";
import { Violation } from "./violation.js";
import type { WorldClock } from "./world-clock.js";

/** About a second, as ticks are about 16 ms. */
const TICKS_A_CHORE = 60;

const log = createLogger("error", {}, { write: () => {} });

/** What members' auditors find out about, and act upon. */
export interface AuditedMembers {
  readonly ids: readonly number[];
  /** True if a bit was ever flipped in the member's state, or in one that it took over. */
  wasDamaged(id: number): boolean;
  /** The member has found out that its state is not the majority's. */
  stopSpoilt(id: number): void;
}

/** The members' real auditors, which compare states all the time (regional/audit). */
export class Audits {
  readonly #clock: WorldClock;
  readonly #network: SimNetwork;
  readonly #members: AuditedMembers;
  readonly #auditors = new Map<number, { readonly member: SimMember; readonly auditor: Auditor }>();

  constructor(clock: WorldClock, network: SimNetwork, members: AuditedMembers) {
    this.#clock = clock;
    this.#network = network;
    this.#members = members;
  }

  /** A member has come to life. */
  started(member: SimMember): void {
    const { id } = member;
    const host = {
      self: id,
      state: () => member.machine.state,
      leads: () => member.leads > 0,
      lastIndex: () => member.lastIndex,
      broadcast: (frame: Buffer) => {
        for (const to of this.#members.ids) if (to !== id) this.#network.sendAudit(id, to, frame);
      },
      onOutlier: () => {
        this.#clock.note("% finds that itself has diverged", id);
        this.#clock.after(0, () => this.#stop(member));
      },
      log,
    };
    const auditor = new Auditor(host, member.machine.index);
    this.#auditors.set(id, { member, auditor });
    for (const other of this.#auditors.values()) {
      if (other.member !== member) other.auditor.renewed(id);
    }
  }

  applied(member: SimMember, index: number): void {
    const auditor = this.#of(member);
    if (auditor !== undefined && index >= auditor.next) auditor.applied(index);
  }

  ticked(member: SimMember): void {
    const auditor = this.#of(member);
    auditor?.tick(this.#clock.now);
    if (member.ticks % TICKS_A_CHORE === 0) auditor?.chore();
  }

  delivered(member: SimMember, from: number, frame: Buffer): void {
    const auditor = this.#of(member);
    if (auditor === undefined) return;
    auditor.receive(from, decodeAudit(frame.subarray(FRAME_HEAD_BYTES)));
    for (const outlier of auditor.findings.outliers) {
      if (this.#members.wasDamaged(outlier.member)) continue;
      throw new Violation(
        "only diverged members are named",
        `${member.id} takes ${outlier.member} for diverged`,
      );
    }
  }

  #of(member: SimMember): Auditor | undefined {
    const known = this.#auditors.get(member.id);
    return known?.member === member ? known.auditor : undefined;
  }

  #stop(member: SimMember): void {
    if (this.#of(member) !== undefined) this.#members.stopSpoilt(member.id);
  }
}
