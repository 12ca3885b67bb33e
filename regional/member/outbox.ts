import type { PeerTransport } from "../peer/transport.js";
import { type Message, MessageType, NO_NODE } from "../raft/index.js";

/** Hands raft's messages to the transport: which go at once, which can wait, which are snapshots. */
export class Outbox {
  readonly #transport: PeerTransport;
  readonly #onSnapshot: (message: Message) => void;
  #lastAck: Pick<Message, "to" | "term" | "index"> = { to: NO_NODE, term: 0, index: 0 };

  /** @param onSnapshot takes the messages that ask for a snapshot to be sent */
  constructor(transport: PeerTransport, onSnapshot: (message: Message) => void) {
    this.#transport = transport;
    this.#onSnapshot = onSnapshot;
  }

  /** Queues messages; they leave with the transport's next flush. */
  send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.type === MessageType.snap) this.#onSnapshot(message);
      else if (this.#saysNothingNew(message)) this.#transport.queueIdle(message);
      else this.#transport.queueMessage(message);
    }
  }

  /**
   * Whether a message acknowledges what was acknowledged before: the answer to a new
   * commit index, which comes with every batch. A leader that is probing does wait for
   * it, so it goes out with the next message or tick, but not by itself.
   */
  #saysNothingNew(message: Message): boolean {
    if (message.type !== MessageType.appResp || message.reject) return false;
    const { to, term, index } = message;
    const last = this.#lastAck;
    if (last.to === to && last.term === term && last.index === index) return true;
    this.#lastAck = message;
    return false;
  }
}
