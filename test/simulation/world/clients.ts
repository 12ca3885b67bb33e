import { type Entry, isTaken, type ReadState } from "../../../regional/raft/index.js";
import { commandSequence } from "../../../regional/store/command.js";
import type { Outcome } from "../../../regional/store/outcome.js";
import type { Random } from "../../../shared/random.js";
import type { Value } from "../linearizability/key-value.js";
import { encodeWrite, type Request, seenBy } from "./commands.js";
import type { History } from "./history.js";
import type { SimMember } from "./member.js";
import type { WorldStats } from "./stats.js";
import { Violation } from "./violation.js";
import type { WorldClock } from "./world-clock.js";

/** Virtual time after which a client gives up an operation, whose fate is then unknown. */
const TIMEOUT = 250;
/** Most operations that a client starts at once. */
const MAX_BATCH = 3;
/** Most that a client rests longer after a refusal. */
const BACKOFF = 100;
const CONTEXT_BYTES = 4;

/** What clients do, and how much of it. */
export interface ClientSettings {
  readonly clients: number;
  /** Most that a client rests between operations. */
  readonly think: number;
  readonly keys: number;
  /** Chance that an operation is a read. */
  readonly readShare: number;
  /** Chance that a client stays with a member that has answered it. */
  readonly faith: number;
}

/** Where clients find members. */
export interface ClientTargets {
  /** Members that have a process, paused or not. */
  running(): readonly SimMember[];
  /** Hands a member a request, as soon as it is awake. */
  reach(member: SimMember, request: () => void): void;
  /** False: the member takes no writes, because its disk is full. */
  takesWrites(member: SimMember): boolean;
  /** False: the member's state is known to the world (not to itself) to be damaged. */
  trusts(member: SimMember): boolean;
}

interface Operation {
  readonly id: number;
  readonly member: SimMember;
  readonly request: Request;
  /** When the member got it. */
  call: number;
  /** Index through which all was visible to somebody by then. */
  mustSee: number;
  /** A confirmed read waits for this index to be applied; -1 before that. */
  readIndex: number;
  readonly done: (answered: boolean) => void;
}

/**
 * Clients that write and read, each operation through some member, and remember what they
 * were told. A read must see all that was visible when it began: that is checked at once,
 * what it saw with the history.
 */
export class SimClients {
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #stats: WorldStats;
  readonly #history: History;
  readonly #targets: ClientTargets;
  readonly #settings: ClientSettings;
  readonly #open = new Map<number, Operation>();
  readonly #lastSeen = new Map<number, Value>();
  #nextId = 1;
  #visible = 0;
  #stopped = false;

  constructor(
    clock: WorldClock,
    random: Random,
    stats: WorldStats,
    history: History,
    targets: ClientTargets,
    settings: ClientSettings,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stats = stats;
    this.#history = history;
    this.#targets = targets;
    this.#settings = settings;
  }

  start(): void {
    for (let i = 0; i < this.#settings.clients; i++) this.#rest(null);
  }

  /** Lets all clients finish what they are at, and no more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads every key once, through some member; `done` when all have been answered. */
  readAll(done: () => void): void {
    let left = this.#settings.keys;
    for (let key = 0; key < this.#settings.keys; key++) {
      this.#insist({ kind: "get", key }, () => {
        if (--left === 0) done();
      });
    }
  }

  /** An entry was applied by a member, perhaps the one that a client waits for. */
  applied(member: SimMember, entry: Entry, outcome: Outcome | null): void {
    if (outcome === null) return;
    const operation = this.#open.get(commandSequence(entry.data));
    if (operation?.member !== member || operation.request.kind === "get") return;
    this.#visible = Math.max(this.#visible, entry.index);
    this.#stats.writesAcknowledged++;
    this.#clock.note("% acknowledges operation % at %", member.id, operation.id, entry.index);
    this.#answer(operation, seenBy(outcome));
  }

  /** A member's state is further than before. */
  advanced(member: SimMember): void {
    for (const operation of this.#open.values()) {
      if (operation.member === member && operation.readIndex >= 0) this.#tryRead(operation);
    }
  }

  readConfirmed(member: SimMember, read: ReadState): void {
    const view = new DataView(read.context.buffer, read.context.byteOffset, CONTEXT_BYTES);
    const operation = this.#open.get(view.getUint32(0));
    if (operation?.member !== member || operation.request.kind !== "get") return;
    operation.readIndex = read.index;
    this.#tryRead(operation);
  }

  /** A member's process has ended, and all connections with it. */
  disconnected(member: SimMember): void {
    for (const operation of this.#open.values()) {
      if (operation.member === member) this.#giveUp(operation);
    }
  }

  /** The world ends; what is still open will never be answered. */
  giveUpAll(): void {
    for (const operation of this.#open.values()) this.#giveUp(operation);
  }

  /** A client that was answered stays with its member; another one looks for one, later. */
  #rest(answeredBy: SimMember | null): void {
    const longest = this.#settings.think + (answeredBy === null ? BACKOFF : 0);
    this.#clock.after(1 + this.#random.int(longest), () => this.#act(answeredBy));
  }

  #act(before: SimMember | null): void {
    if (this.#stopped) return;
    const running = this.#targets.running();
    const stays =
      before !== null && running.includes(before) && this.#random.chance(this.#settings.faith);
    const member = stays ? before : running[this.#random.int(running.length)];
    if (member === undefined) {
      this.#rest(null);
      return;
    }
    const requests: Request[] = [];
    if (this.#random.chance(this.#settings.readShare)) {
      requests.push({ kind: "get", key: this.#random.int(this.#settings.keys) });
    } else {
      const count = 1 + this.#random.int(MAX_BATCH);
      for (let i = 0; i < count; i++) requests.push(this.#drawWrite());
    }
    let left = requests.length;
    const done = (answered: boolean): void => {
      if (--left === 0) this.#rest(answered ? member : null);
    };
    const operations = requests.map((request) => this.#begin(member, request, done));
    this.#targets.reach(member, () => {
      for (const operation of operations) this.#arrived(operation);
      if (requests[0]?.kind === "get") this.#ask(operations[0] as Operation);
      else this.#propose(member, operations);
    });
  }

  #drawWrite(): Request {
    const key = this.#random.int(this.#settings.keys);
    const kind = this.#random.int(10);
    if (kind < 6) return { kind: "put", key };
    if (kind < 7) return { kind: "delete", key };
    const known = this.#lastSeen.get(key) ?? null;
    return { kind: "swap", key, expected: this.#random.chance(0.2) ? null : known };
  }

  /** Asks one member after the other until one answers. */
  #insist(request: Request, done: () => void): void {
    const member = this.#random.pick(this.#targets.running());
    const operation = this.#begin(member, request, (answered) => {
      if (answered) done();
      else this.#clock.after(1, () => this.#insist(request, done));
    });
    this.#targets.reach(member, () => {
      this.#arrived(operation);
      this.#ask(operation);
    });
  }

  #begin(member: SimMember, request: Request, done: (answered: boolean) => void): Operation {
    const id = this.#nextId++;
    const operation = { id, member, request, call: 0, mustSee: 0, readIndex: -1, done };
    this.#arrived(operation);
    this.#open.set(id, operation);
    this.#clock.after(TIMEOUT, () => this.#giveUp(operation));
    return operation;
  }

  /** It can't happen before the member gets it, perhaps after a pause. */
  #arrived(operation: Operation): void {
    operation.call = this.#clock.now;
    operation.mustSee = this.#visible;
  }

  #propose(member: SimMember, operations: readonly Operation[]): void {
    const [first] = operations as [Operation];
    this.#clock.note("% is given % operations, first %", member.id, operations.length, first.id);
    const datas = operations.map(({ id, request }) => encodeWrite(request, member.id, id));
    const taken = this.#targets.takesWrites(member) && isTaken(member.node.propose(datas));
    if (taken) {
      this.#stats.operations += operations.length;
      member.drain();
    } else for (const operation of operations) this.#refuse(operation);
  }

  #ask(operation: Operation): void {
    const { id, member } = operation;
    const context = new Uint8Array(CONTEXT_BYTES);
    new DataView(context.buffer).setUint32(0, id);
    this.#clock.note("% is asked for read %", member.id, id);
    if (member.node.readIndex(context)) {
      this.#stats.operations++;
      member.drain();
    } else this.#refuse(operation);
  }

  #tryRead(operation: Operation): void {
    const { member, mustSee, request } = operation;
    const seen = member.machine.index;
    if (operation.readIndex > seen) return;
    if (seen < mustSee) {
      throw new Violation(
        "reads in real time",
        `read ${operation.id} by ${member.id} saw ${seen}, but ${mustSee} was visible before it began`,
      );
    }
    this.#visible = Math.max(this.#visible, seen);
    this.#stats.readsAnswered++;
    this.#clock.note("% answers read % with the state at %", member.id, operation.id, seen);
    this.#answer(operation, member.machine.get(request.key));
  }

  #answer(operation: Operation, seen: Value): void {
    const { id, member, request, call } = operation;
    if (this.#targets.trusts(member)) {
      this.#lastSeen.set(request.key, request.kind === "put" ? id : seen);
      this.#history.answered(request, id, seen, call, this.#clock.now);
    } else this.#history.unanswered(request, id, call);
    this.#finish(operation, true);
  }

  #giveUp(operation: Operation): void {
    if (!this.#open.has(operation.id)) return;
    this.#stats.operationsUnanswered++;
    this.#history.unanswered(operation.request, operation.id, operation.call);
    this.#finish(operation, false);
  }

  /** Nothing was done, and the client knows it. */
  #refuse(operation: Operation): void {
    if (!this.#open.has(operation.id)) return;
    this.#stats.operationsRefused++;
    this.#finish(operation, false);
  }

  #finish(operation: Operation, answered: boolean): void {
    this.#open.delete(operation.id);
    operation.done(answered);
  }
}
