import { type Message, MessageType } from "../../../regional/raft/index.js";
import { describeEntry, describeMessage, describeReady } from "./describe.js";
import { type NodeSettings, ScriptNode } from "./script-node.js";
import { ScriptStorage } from "./script-storage.js";
import { Transcript } from "./transcript.js";

/** Who is to get messages, or whose are to be lost. */
export interface Recipient {
  readonly id: number;
  readonly drop: boolean;
}

/** Rounds after which nodes that still find something to do count as caught in a circle. */
const MAX_ROUNDS = 10_000;

/** The errors of etcd-io/raft that a driver sees. */
const DROPPED = "raft proposal dropped";
const LOCAL_MESSAGE = "raft: cannot step raft local message";
const UNKNOWN_PEER = "raft: cannot step as peer not found";

/** The error that a proposal's or message's outcome stands for; null if it was taken. */
function errorOf(outcome: ReturnType<ScriptNode["raft"]["step"]>): string | null {
  switch (outcome) {
    case "ok":
    case "appended":
    case "forwarded":
    case "conf-change-refused":
      return null;
    case "local-message":
      return LOCAL_MESSAGE;
    case "unknown-peer":
      return UNKNOWN_PEER;
    default:
      return DROPPED;
  }
}

/** Between a node and itself or its threads; never lost. */
function isLocal(message: Message): boolean {
  return message.from === message.to || message.from < 0 || message.to < 0;
}

/**
 * The nodes of a script and the messages between them. Everything moves when a command says
 * so; what happens is printed to the transcript, in the words of etcd-io/raft's `rafttest`.
 */
export class Interaction {
  readonly transcript = new Transcript();
  readonly nodes: ScriptNode[] = [];
  /** Whether messages are printed with their contexts, which etcd's format leaves out. */
  contexts = false;
  #messages: Message[] = [];

  /** Adds a node with the next id. */
  add(settings: NodeSettings, storage: ScriptStorage): void {
    this.nodes.push(new ScriptNode(this.nodes.length + 1, settings, storage));
  }

  /** Ends a node's life: what it had in its own queues is lost. */
  restart(node: ScriptNode): void {
    this.#messages = this.#messages.filter(
      (message) => !(isLocal(message) && message.to === node.id),
    );
    node.restart();
  }

  /** Puts a message on its way. */
  send(message: Message): void {
    this.#messages.push(message);
  }

  describe(message: Message): string {
    return describeMessage(message, this.contexts);
  }

  /** Prints what a proposal came to, if it failed. */
  propose(node: ScriptNode, data: Uint8Array): void {
    const error = errorOf(node.raft.propose([data]));
    if (error !== null) this.transcript.error(error);
  }

  proposeChange(
    node: ScriptNode,
    ...change: Parameters<ScriptNode["raft"]["proposeConfChange"]>
  ): void {
    const error = errorOf(node.raft.proposeConfChange(...change));
    if (error !== null) this.transcript.error(error);
  }

  /** Hands messages to their recipients, or loses them; returns how many there were. */
  deliver(type: MessageType | null, recipients: readonly Recipient[]): number {
    let count = 0;
    for (const recipient of recipients) {
      const taken = this.#take(recipient, type);
      count += taken.length;
      for (const message of taken) {
        this.transcript.print(`${recipient.drop ? "dropped: " : ""}${this.describe(message)}`);
        if (!recipient.drop) this.#step(message);
      }
    }
    return count;
  }

  processReady(node: ScriptNode): void {
    const ready = node.raft.ready();
    this.transcript.print(describeReady(ready, this.contexts).join("\n"));
    this.#messages.push(...node.handle(ready));
  }

  processAppend(node: ScriptNode): void {
    const work = node.append();
    if (work === undefined) this.transcript.print("no append work to perform");
    else this.#finish(work);
  }

  processApply(node: ScriptNode): void {
    const work = node.apply();
    if (work === undefined) this.transcript.print("no apply work to perform");
    else this.#finish(work);
  }

  /** Lets nodes work and talk to each other until there is nothing left to do. */
  stabilize(nodes: readonly ScriptNode[]): void {
    const has = (node: ScriptNode): boolean =>
      this.#messages.some((message) => message.to === node.id);
    let busy = true;
    for (let round = 0; busy; round++) {
      if (round === MAX_ROUNDS) throw new Error(`nothing settles in ${MAX_ROUNDS} rounds`);
      busy = false;
      const each = (does: (node: ScriptNode) => boolean, action: string, run: Handler): void => {
        for (const node of nodes) {
          if (!does(node)) continue;
          busy = true;
          this.section(node, action, run);
        }
      };
      each(
        (node) => node.raft.hasReady(),
        "handling Ready",
        (node) => this.processReady(node),
      );
      each(has, "receiving messages", (node) => {
        this.deliver(null, [{ id: node.id, drop: false }]);
      });
      each(
        (node) => node.appendWork.length > 0,
        "processing append thread",
        (node) => {
          while (node.appendWork.length > 0) this.processAppend(node);
        },
      );
      each(
        (node) => node.applyWork.length > 0,
        "processing apply thread",
        (node) => {
          while (node.applyWork.length > 0) this.processApply(node);
        },
      );
    }
  }

  /** Prints a heading and, indented, what `run` prints. */
  section(node: ScriptNode, action: string, run: Handler): void {
    this.transcript.print(`> ${node.id} ${action}`);
    this.transcript.indented(() => run(node));
  }

  /** Prints the stable log of a node. */
  printLog({ storage }: ScriptNode): void {
    const first = storage.firstIndex();
    const last = storage.lastIndex();
    if (last < first) {
      this.transcript.print(`log is empty: first index=${first}, last index=${last}`);
      return;
    }
    const entries = storage.entries(first, last + 1, Number.MAX_SAFE_INTEGER) ?? [];
    for (const entry of entries) this.transcript.print(describeEntry(entry));
  }

  #take({ id, drop }: Recipient, type: MessageType | null): Message[] {
    const taken: Message[] = [];
    const rest: Message[] = [];
    for (const message of this.#messages) {
      const matches = message.to === id && (type === null || message.type === type);
      if (matches && !(drop && isLocal(message))) taken.push(message);
      else rest.push(message);
    }
    this.#messages = rest;
    return taken;
  }

  #step(message: Message): void {
    const node = this.nodes[message.to - 1];
    if (node === undefined) throw new Error(`a message was delivered to no node: ${message.to}`);
    const outcome = node.raft.step(message);
    const error = errorOf(outcome);
    // Only proposals fail for want of a leader; reads and transfers are lost without a word.
    const silent = error === DROPPED && message.type !== MessageType.prop;
    if (error !== null && !silent) this.transcript.print(error);
  }

  #finish(work: Message): void {
    this.transcript.print("Processing:");
    this.transcript.print(this.describe({ ...work, responses: [] }));
    this.transcript.print("Responses:");
    for (const response of work.responses) this.transcript.print(this.describe(response));
    this.#messages.push(...work.responses);
  }
}

type Handler = (node: ScriptNode) => void;
