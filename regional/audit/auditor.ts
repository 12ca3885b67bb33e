import {
  AUDIT_CHAIN_ENTRIES,
  AUDIT_LEASES,
  MAX_AUDIT_SLICES_WAITING,
} from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import { type AuditMessage, auditFrame } from "../peer/audit-wire.js";
import { CHAIN_VERSION } from "../store/chain.js";
import type { RegionState } from "../store/state.js";
import { Findings, type Outlier } from "./findings.js";
import { Jury, type Verdict } from "./jury.js";
import { describe, type Mark, type SliceMark } from "./mark.js";
import { Walk } from "./walk.js";

/** What an auditor needs of its member. */
export interface AuditHost {
  readonly self: number;
  readonly state: () => RegionState;
  readonly leads: () => boolean;
  /** Index of the last entry of the log. */
  readonly lastIndex: () => number;
  /** Queues a frame for all other members. */
  readonly broadcast: (frame: Buffer) => void;
  /** A majority of the voters has another state than this member. */
  readonly onOutlier: (verdict: Verdict) => void;
  readonly log: Logger;
}

/**
 * Compares this member's state with the others', for ever: the hash chain at every
 * AUDIT_CHAIN_ENTRIES-th index, at an index a second that the leader names beforehand, and at
 * the last index while nothing is written, with a hash of leases, members and revisions; and, led by the leader, all pairs as they are kept,
 * slice by slice. Each member tells all others what it finds and judges for itself.
 */
export class Auditor {
  readonly findings = new Findings();
  readonly walk = new Walk();
  readonly #host: AuditHost;
  readonly #jury = new Jury();
  /** Slices of the leader that this member is not far enough for. */
  #waiting: SliceMark[] = [];
  /** An index that the leader asked for; 0 for none. */
  #asked = 0;
  #appliedBefore = 0;
  #nowMs = 0;
  /** The next index whose chain value `applied` wants to know. */
  next = 0;

  /** @param applied index through which the state is applied; `host.state` may come later */
  constructor(host: AuditHost, applied: number) {
    this.#host = host;
    this.#plan(applied);
  }

  #plan(applied: number): void {
    const grid = (Math.floor(applied / AUDIT_CHAIN_ENTRIES) + 1) * AUDIT_CHAIN_ENTRIES;
    this.next = this.#asked > applied ? Math.min(this.#asked, grid) : grid;
  }

  /** The entry at `index`, which is `next` or later, was just applied. */
  applied(index: number): void {
    const due = index === this.next;
    const asked = index === this.#asked;
    this.#plan(index);
    if (due) this.#markChain(index);
    if (asked) this.#markTables(index);
  }

  /** With each tick of the raft clock. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    const state = this.#host.state();
    if (this.#waiting.length > 0) {
      const due = this.#waiting.filter(({ index }) => index <= state.applied.index);
      this.#waiting = this.#waiting.filter(({ index }) => index > state.applied.index);
      for (const slice of due) this.#answer(slice);
    }
    if (!this.#host.leads()) {
      this.walk.restart();
      return;
    }
    if (this.#others().length === 0) return;
    const slice = this.walk.next(state, nowMs);
    if (slice !== undefined) this.#tell(slice);
  }

  /** About once a second. */
  chore(): void {
    const { leads, lastIndex, broadcast, state, log } = this.#host;
    const { index } = state().applied;
    if (index === this.#appliedBefore && index > 0) {
      this.#markChain(index);
      this.#markTables(index);
    }
    this.#appliedBefore = index;
    if (leads()) {
      // No member can have applied it yet: the leader's frames arrive in order.
      const asked = lastIndex() + 1;
      broadcast(auditFrame({ kind: "request", index: asked }));
      this.#ask(asked);
    }
    const members = this.#members();
    for (const { member } of this.findings.outliers) {
      if (!members.includes(member)) this.findings.forget(member);
    }
    const dispute = this.findings.lasting(this.#nowMs);
    if (dispute !== undefined) {
      const text = "the members' states differ, and no majority can say whose is right";
      log.error(plain(dispute), text);
    }
  }

  /** A member's connection is there again. */
  renewed(member: number): void {
    this.#jury.forget(member);
    this.findings.forget(member);
  }

  /** What another member says. */
  receive(from: number, message: AuditMessage): void {
    if (message.kind === "request") {
      this.#ask(message.index);
      return;
    }
    const { mark } = message;
    this.#judge(from, mark);
    if (mark.kind !== "slice" || mark.version !== CHAIN_VERSION) return;
    if (this.#jury.has(this.#host.self, mark)) return;
    if (mark.index <= this.#host.state().applied.index) this.#answer(mark);
    else if (this.#waiting.length < MAX_AUDIT_SLICES_WAITING) this.#waiting.push(mark);
  }

  #ask(index: number): void {
    this.#asked = index;
    this.#plan(this.#host.state().applied.index);
  }

  #markChain(index: number): void {
    const hash = this.#host.state().chain;
    this.#tell({ kind: "chain", version: CHAIN_VERSION, index, hash });
  }

  #markTables(index: number): void {
    const hash = this.#host.state().digestTables(AUDIT_LEASES);
    this.#tell({ kind: "tables", version: CHAIN_VERSION, index, hash });
  }

  /** Looks at a slice that another member named, if that past is still there. */
  #answer(slice: SliceMark): void {
    const state = this.#host.state();
    const { revision, from, to } = slice;
    if (revision < state.compactRevision || revision > state.currentRevision) return;
    this.#tell({ ...slice, hash: state.digest(revision, from, to) });
  }

  /** Tells all what this member has found. */
  #tell(mark: Mark): void {
    this.#host.broadcast(auditFrame({ kind: "mark", mark }));
    this.#judge(this.#host.self, mark);
  }

  #others(): number[] {
    return this.#voters().filter((id) => id !== this.#host.self);
  }

  #voters(): number[] {
    const { voters, votersOutgoing } = this.#host.state().applied.confState;
    return [...new Set([...voters, ...votersOutgoing])];
  }

  #members(): number[] {
    const { learners, learnersNext } = this.#host.state().applied.confState;
    return [...this.#voters(), ...learners, ...learnersNext];
  }

  #judge(member: number, mark: Mark): void {
    if (!this.#members().includes(member)) return;
    const verdict = this.#jury.add(member, mark, this.#voters());
    if (verdict === undefined) return;
    const { outliers } = this.findings.take(verdict, this.#nowMs);
    for (const outlier of outliers) this.#name(outlier);
  }

  #name({ member, verdict }: Outlier): void {
    const { log, self, onOutlier } = this.#host;
    log.error(
      { diverged: member.toString(16), ...plain(verdict) },
      "a member's state has diverged",
    );
    if (member === self) onOutlier(verdict);
  }
}

/** A verdict as fields of a log line. */
function plain({ mark, hashes, majority }: Verdict): object {
  const found = Object.fromEntries([...hashes].map(([id, hash]) => [id.toString(16), hash]));
  return { what: describe(mark), index: mark.index, hashes: found, majority };
}
