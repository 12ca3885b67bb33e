import type { Entry, ReadState } from "../../regional/raft/index.js";
import { isTaken } from "../../regional/raft/index.js";
import type { Random } from "../../shared/random.js";
import type { RaftChecker } from "./raft-checker.js";
import type { SimMember } from "./raft-member.js";
import { hashEntry } from "./raft-state.js";
import type { RaftStats } from "./raft-stats.js";
import { Violation } from "./violation.js";
import type { WorldClock } from "./world-clock.js";

/** Virtual time after which a client gives up an operation, whose fate is then unknown. */
const TIMEOUT = 400;
const HEADER_BYTES = 6;
const MAX_BATCH = 5;
const MAX_PADDING = 60;

interface Operation {
  readonly id: number;
  readonly member: SimMember;
  readonly kind: "write" | "read";
  /** What a read must have seen: all that was visible when it began. */
  readonly mustSee: number;
  /** Entries of a write that were applied, to be remembered as acknowledged. */
  readonly entries: { readonly index: number; readonly hash: number }[];
  /** A confirmed read waits for this index to be applied. */
  readIndex: number;
  readonly done: () => void;
}

/** Where clients find members. */
export interface ClientTargets {
  /** Members that run now. */
  running(): readonly SimMember[];
}

/**
 * Clients that write and read one thing after the other, each through some member, and
 * check what they are told: an acknowledged write is never lost, a read sees everything that
 * was acknowledged or read before it began.
 */
export class SimClients {
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: RaftStats;
  readonly #checker: RaftChecker;
  readonly #targets: ClientTargets;
  readonly #open = new Map<number, Operation>();
  readonly #acknowledged: { readonly index: number; readonly hash: number }[] = [];
  #nextId = 1;
  #visible = 0;
  #stopped = false;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: RaftStats,
    checker: RaftChecker,
    targets: ClientTargets,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stats = stats;
    this.#checker = checker;
    this.#targets = targets;
  }

  /** Starts a client that never rests for more than `think` units of time. */
  start(think: number): void {
    const next = (): void => this.#clock.after(1 + this.#random.int(think), act);
    const act = (): void => {
      if (this.#stopped) return;
      const running = this.#targets.running();
      if (running.length === 0) {
        next();
        return;
      }
      const member = this.#random.pick(running);
      if (this.#random.chance(0.3)) this.#read(member, next);
      else this.#write(member, next);
    };
    next();
  }

  /** Lets all clients finish what they are at, and no more. */
  stop(): void {
    this.#stopped = true;
  }

  /** An entry was applied by the member through which it may have been proposed. */
  applied(member: SimMember, entry: Entry): void {
    this.#answerReads(member);
    if (entry.data.length < HEADER_BYTES || entry.type !== 0) return;
    const view = new DataView(entry.data.buffer, entry.data.byteOffset, HEADER_BYTES);
    const operation = this.#open.get(view.getUint32(0));
    if (operation?.kind !== "write" || operation.member !== member) return;
    operation.entries.push({ index: entry.index, hash: hashEntry(entry) });
    if (view.getUint8(4) + 1 < view.getUint8(5)) return;
    for (const acknowledged of operation.entries) this.#acknowledged.push(acknowledged);
    this.#visible = Math.max(this.#visible, entry.index);
    this.#stats.writesAcknowledged++;
    this.#clock.note("% acknowledges write % at %", member.id, operation.id, entry.index);
    this.#finish(operation);
  }

  readConfirmed(member: SimMember, read: ReadState): void {
    const view = new DataView(read.context.buffer, read.context.byteOffset, HEADER_BYTES);
    const operation = this.#open.get(view.getUint32(0));
    if (operation?.kind !== "read" || operation.member !== member) return;
    operation.readIndex = read.index;
    this.#answerReads(member);
  }

  /** Every acknowledged write is still what was committed. */
  checkAcknowledged(): void {
    for (const { index, hash } of this.#acknowledged) {
      if (!this.#checker.holdsAcknowledged(index, hash)) {
        throw new Violation("acknowledged writes", `the one at ${index} was lost`);
      }
    }
  }

  #begin(member: SimMember, kind: "write" | "read", done: () => void): Operation {
    const id = this.#nextId++;
    const mustSee = this.#visible;
    const operation = { id, member, kind, mustSee, entries: [], readIndex: -1, done };
    this.#open.set(id, operation);
    this.#clock.after(TIMEOUT, () => {
      if (!this.#open.has(id)) return;
      if (kind === "write") this.#stats.writesUnknown++;
      this.#finish(operation);
    });
    return operation;
  }

  #finish(operation: Operation): void {
    this.#open.delete(operation.id);
    operation.done();
  }

  #payload(id: number, part: number, parts: number): Uint8Array {
    const data = new Uint8Array(HEADER_BYTES + this.#random.int(MAX_PADDING));
    const view = new DataView(data.buffer);
    view.setUint32(0, id);
    view.setUint8(4, part);
    view.setUint8(5, parts);
    return data;
  }

  #write(member: SimMember, done: () => void): void {
    const operation = this.#begin(member, "write", done);
    const parts = 1 + this.#random.int(MAX_BATCH);
    const datas: Uint8Array[] = [];
    for (let part = 0; part < parts; part++) datas.push(this.#payload(operation.id, part, parts));
    const outcome = member.node.propose(datas);
    this.#clock.note("% is given write % of % entries", member.id, operation.id, parts);
    member.drain();
    if (!isTaken(outcome)) this.#finish(operation);
  }

  #read(member: SimMember, done: () => void): void {
    const operation = this.#begin(member, "read", done);
    const asked = member.node.readIndex(this.#payload(operation.id, 0, 1));
    this.#clock.note("% is asked for read %", member.id, operation.id);
    member.drain();
    if (!asked && this.#open.has(operation.id)) this.#finish(operation);
  }

  #answerReads(member: SimMember): void {
    const seen = member.state.index;
    for (const operation of this.#open.values()) {
      if (operation.member !== member || operation.readIndex < 0) continue;
      if (operation.readIndex > seen) continue;
      if (seen < operation.mustSee) {
        throw new Violation(
          "linearizable reads",
          `a read by ${member.id} saw ${seen}, but ${operation.mustSee} was visible before it began`,
        );
      }
      this.#visible = Math.max(this.#visible, seen);
      this.#stats.readsAnswered++;
      this.#clock.note("% answers read % with %", member.id, operation.id, seen);
      this.#finish(operation);
    }
  }
}
