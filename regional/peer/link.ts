import { connect, type Socket } from "node:net";
import type { HostPort } from "../../shared/address.js";
import { fromUtf8 } from "../../shared/bytes.js";
import { errorText } from "../../shared/errors.js";
import {
  MAX_PEER_QUEUE_BYTES,
  PEER_HELLO_TIMEOUT_MS,
  PEER_RECONNECT_MAX_MS,
  PEER_RECONNECT_MIN_MS,
  PEER_SILENCE_LIMIT_MS,
} from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import type { Message } from "../raft/index.js";
import {
  allocateFrame,
  FRAME_HEAD_BYTES,
  FRAME_TARGET_BYTES,
  FrameReader,
  FrameType,
  sealFrame,
} from "./frame.js";
import { MessageEncoder } from "./wire.js";

/** What a link needs from its surroundings. */
export interface LinkOptions {
  /** The member at the other end. */
  readonly id: number;
  /** Where to dial; asked anew each time. */
  readonly address: () => HostPort;
  /** The first frame of each connection. */
  readonly hello: Buffer;
  readonly encoder: MessageEncoder;
  readonly log: Logger;
  readonly now: () => number;
  /** A number in [0, 1) that spreads reconnects. */
  readonly random: () => number;
  /** Messages were dropped: there is no connection, or its queue is full. */
  readonly onDropped: (id: number) => void;
  readonly onUp: (id: number) => void;
  readonly onDown: (id: number) => void;
  /** Nobody listens at the other end's address: its machine refuses connections. */
  readonly onRefused: (id: number) => void;
  /** The member at the other end says that this one was removed from the group. */
  readonly onRemoved: () => void;
}

/**
 * The sending half between two members: dials, says hello, and carries frames one
 * way. What can't be sent is dropped; raft and the callers ask again.
 */
export class PeerLink {
  readonly id: number;
  readonly #options: LinkOptions;
  #socket: Socket | undefined;
  #up = false;
  #closed = false;
  #redial: NodeJS.Timeout | undefined;
  #backoffMs = PEER_RECONNECT_MIN_MS;
  #lastHeardMs = 0;
  #upSinceMs = 0;
  #refused = false;
  #lastTrouble = "";
  #messages: Message[] = [];
  #frames: Buffer[] = [];
  /** A message that only goes along with others. */
  #idle: Message | undefined;
  /** Bytes written to connections of this link since the start. */
  sentBytes = 0;
  /** Messages and frames dropped since the start. */
  dropped = 0;

  constructor(options: LinkOptions) {
    this.id = options.id;
    this.#options = options;
    this.#dial();
  }

  /** Whether frames handed over now will be written. */
  get ready(): boolean {
    const socket = this.#socket;
    return this.#up && socket !== undefined && socket.writableLength < MAX_PEER_QUEUE_BYTES;
  }

  get connected(): boolean {
    return this.#up;
  }

  /** Milliseconds since the connection was welcomed; 0 while there is none. */
  get connectedMs(): number {
    return this.#up ? Math.max(1, this.#options.now() - this.#upSinceMs) : 0;
  }

  /** Whether the latest attempt found that nobody listens there. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Takes a raft message for the next flush. */
  queueMessage(message: Message): void {
    this.#messages.push(message);
  }

  /**
   * Takes a message that is worth no write of its own: it goes with the next one that is,
   * or with `flushIdle`. It replaces the one that was taken before.
   */
  queueIdle(message: Message): void {
    this.#idle = message;
  }

  /** Writes everything, a message that waits for others too. */
  flushIdle(): void {
    if (this.#idle !== undefined) this.#messages.push(this.#idle);
    this.#idle = undefined;
    this.flush();
  }

  /** Takes a sealed frame for the next flush; it goes out before queued messages. */
  queueFrame(frame: Buffer): void {
    this.#frames.push(frame);
  }

  /** Writes what is queued, in one system call where it fits. */
  flush(): void {
    const messages = this.#messages;
    const frames = this.#frames;
    if (messages.length === 0 && frames.length === 0) return;
    if (this.#idle !== undefined) messages.push(this.#idle);
    this.#idle = undefined;
    this.#messages = [];
    this.#frames = [];
    const socket = this.#socket;
    if (socket === undefined || !this.ready) {
      this.dropped += messages.length + frames.length;
      this.#options.onDropped(this.id);
      return;
    }
    this.#encode(messages, frames);
    const only = frames.length === 1 ? frames[0] : undefined;
    if (only !== undefined) {
      this.sentBytes += only.length;
      socket.write(only);
      return;
    }
    socket.cork();
    for (const frame of frames) {
      this.sentBytes += frame.length;
      socket.write(frame);
    }
    socket.uncork();
  }

  /** Appends frames with the messages to `frames`. */
  #encode(messages: readonly Message[], frames: Buffer[]): void {
    const { encoder } = this.#options;
    let from = 0;
    while (from < messages.length) {
      let bytes = 0;
      let to = from;
      while (to < messages.length && (to === from || bytes < FRAME_TARGET_BYTES)) {
        bytes += encoder.size(messages[to] as Message);
        to++;
      }
      const frame = allocateFrame(bytes);
      let at = FRAME_HEAD_BYTES;
      for (; from < to; from++) at = encoder.write(frame, at, messages[from] as Message);
      frames.push(sealFrame(frame, FrameType.raft));
    }
  }

  /** Keeps the connection honest: to be called about once a PEER_PING_INTERVAL_MS. */
  check(ping: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#up) return;
    if (this.#options.now() - this.#lastHeardMs > PEER_SILENCE_LIMIT_MS) {
      this.#trouble(`nothing came back for ${PEER_SILENCE_LIMIT_MS} ms`);
      socket.destroy();
      return;
    }
    socket.write(ping);
  }

  /** The other end is alive, it has just dialed us: don't wait out the pause. */
  nudge(): void {
    this.#backoffMs = PEER_RECONNECT_MIN_MS;
    if (this.#redial === undefined) return;
    clearTimeout(this.#redial);
    this.#redial = undefined;
    this.#dial();
  }

  /** Ends the connection, letting what was written go out first, and dials no more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#redial);
    this.#redial = undefined;
    const socket = this.#socket;
    if (socket === undefined) return;
    if (this.#up) socket.end(() => socket.destroy());
    else socket.destroy();
  }

  #dial(): void {
    let address: HostPort;
    try {
      address = this.#options.address();
    } catch (error) {
      this.#trouble(errorText(error));
      this.#schedule();
      return;
    }
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    this.#socket = socket;
    const reader = new FrameReader((type, payload) => this.#receive(type, payload));
    socket.setTimeout(PEER_HELLO_TIMEOUT_MS, () => {
      this.#trouble(`no answer within ${PEER_HELLO_TIMEOUT_MS} ms`);
      socket.destroy();
    });
    socket.on("connect", () => socket.write(this.#options.hello));
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.#trouble(errorText(error));
        socket.destroy();
      }
    });
    socket.on("end", () => socket.destroy());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#trouble(error.message);
      this.#refused = !this.#up && error.code === "ECONNREFUSED";
      if (this.#refused) this.#options.onRefused(this.id);
    });
    socket.on("close", () => this.#lost());
  }

  #receive(type: number, payload: Buffer): void {
    this.#lastHeardMs = this.#options.now();
    if (type === FrameType.welcome) {
      this.#up = true;
      this.#refused = false;
      this.#upSinceMs = this.#lastHeardMs;
      this.#backoffMs = PEER_RECONNECT_MIN_MS;
      this.#lastTrouble = "";
      this.#socket?.setTimeout(0);
      this.#options.log.info({ peer: this.id.toString(16) }, "connected to member");
      this.#options.onUp(this.id);
    } else if (type === FrameType.refusal) {
      this.#backoffMs = PEER_RECONNECT_MAX_MS;
      this.#trouble(`refused: ${fromUtf8(payload)}`);
      this.#socket?.destroy();
    } else if (type === FrameType.removed) {
      this.#backoffMs = PEER_RECONNECT_MAX_MS;
      this.#socket?.destroy();
      this.#options.onRemoved();
    }
  }

  #lost(): void {
    const wasUp = this.#up;
    const { connectedMs } = this;
    this.#up = false;
    this.#socket = undefined;
    if (this.#closed) return;
    if (wasUp) {
      this.#options.log.info({ peer: this.id.toString(16) }, "connection to member lost");
      this.#options.onDown(this.id);
    }
    // Whether the other process has ended shows at once; a connection that never lasts is no hurry.
    if (connectedMs >= PEER_RECONNECT_MAX_MS) this.#dial();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    const pauseMs = this.#backoffMs * (0.5 + this.#options.random() / 2);
    this.#backoffMs = Math.min(this.#backoffMs * 2, PEER_RECONNECT_MAX_MS);
    this.#redial = setTimeout(() => {
      this.#redial = undefined;
      this.#dial();
    }, pauseMs);
  }

  /** Logs trouble once, not at each attempt. */
  #trouble(reason: string): void {
    if (this.#closed || reason === this.#lastTrouble) return;
    this.#lastTrouble = reason;
    this.#options.log.warn({ peer: this.id.toString(16), reason }, "can't reach member");
  }
}
