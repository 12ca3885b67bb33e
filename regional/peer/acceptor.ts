import { createServer, type Server, type Socket } from "node:net";
import { formatHostPort, type HostPort } from "../../shared/address.js";
import { utf8 } from "../../shared/bytes.js";
import { AtollError, errorText } from "../../shared/errors.js";
import {
  MAX_PEER_CONNECTIONS,
  PEER_HELLO_TIMEOUT_MS,
  PEER_SILENCE_LIMIT_MS,
  REQUEST_TIMEOUT_MS,
  SNAPSHOT_STALL_LIMIT_MS,
} from "../../shared/limits.js";
import type { Logger } from "../../shared/log.js";
import { FrameReader, FrameType, makeFrame } from "./frame.js";
import { decodeHello, type Hello, Purpose, refusalOf, type Standing } from "./hello.js";

const WELCOME = makeFrame(FrameType.welcome, new Uint8Array(0));

/** One direction of a connection that another member has opened. */
export interface Inbound {
  readonly from: number;
  readonly socket: Socket;
}

/** Takes the frames of one connection after its hello. Throws DATA_LOSS on nonsense. */
export interface InboundHandler {
  frame(type: number, payload: Buffer): void;
  closed(): void;
}

export interface AcceptorOptions {
  readonly clusterId: number;
  readonly memberId: number;
  readonly standing: (id: number) => Standing;
  readonly log: Logger;
  /** Makes the handler of a welcome connection. */
  readonly open: (inbound: Inbound, hello: Hello) => InboundHandler;
  /** Answers somebody who wants to join; rejects to say why not now. */
  readonly describe: () => Promise<Uint8Array>;
}

/** The receiving half between members: checks who calls and reads frames. */
export class PeerAcceptor {
  readonly #options: AcceptorOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The current connection of each caller and purpose; a newer one replaces it. */
  readonly #current = new Map<string, Socket>();
  #lastRefusal = "";
  receivedBytes = 0;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_PEER_CONNECTIONS;
  }

  /** Listens and gives the port. Throws UNAVAILABLE naming the address when it is taken. */
  async listen(address: HostPort): Promise<number> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(address.port, address.host, () => {
          this.#server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      throw new AtollError(
        "UNAVAILABLE",
        `can't listen for members on ${formatHostPort(address)}: ${errorText(error)}`,
        { cause: error },
      );
    }
    this.#server.on("error", (error) => this.#options.log.warn({ err: error }, "peer listener"));
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the peer port is unknown");
    return bound.port;
  }

  /** Stops listening and drops all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Whether a member's connection for messages is open. */
  hears(id: number): boolean {
    return this.#current.get(`${id}/${Purpose.messages}`)?.destroyed === false;
  }

  /** Drops the connections of a member that is none any more. */
  drop(id: number): void {
    for (const purpose of Object.values(Purpose)) this.#current.get(`${id}/${purpose}`)?.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    let handler: InboundHandler | undefined;
    const reader = new FrameReader((type, payload) => {
      if (socket.destroyed || socket.writableEnded) return;
      if (handler === undefined) handler = this.#greet(socket, type, payload);
      else if (type === FrameType.ping) socket.write(makeFrame(FrameType.pong, payload));
      else handler.frame(type, payload);
    });
    socket.setTimeout(PEER_HELLO_TIMEOUT_MS, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      this.receivedBytes += chunk.length;
      try {
        reader.push(chunk);
      } catch (error) {
        this.#refuse(socket, errorText(error));
      }
    });
    socket.on("end", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      handler?.closed();
    });
  }

  /** Undefined when the caller was refused. */
  #greet(socket: Socket, type: number, payload: Buffer): InboundHandler | undefined {
    if (type !== FrameType.hello) {
      throw new AtollError("DATA_LOSS", "the caller didn't say hello first");
    }
    const hello = decodeHello(payload);
    const refusal = refusalOf(hello, this.#options);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return undefined;
    }
    const purpose = hello.purpose as Purpose;
    if (purpose === Purpose.inquiry) {
      void this.#describe(socket);
      return undefined;
    }
    const standing = this.#options.standing(hello.from);
    if (standing !== "member") {
      const who = `member ${hello.from.toString(16)}`;
      if (standing === "stranger") this.#refuse(socket, `${who} is not part of the cluster`);
      else this.#end(socket, FrameType.removed, `${who} was removed from the cluster`);
      return undefined;
    }
    const slot = `${hello.from}/${purpose}`;
    this.#current.get(slot)?.destroy();
    this.#current.set(slot, socket);
    socket.once("close", () => {
      if (this.#current.get(slot) === socket) this.#current.delete(slot);
    });
    // Callers ping each second, so silence means that they are gone.
    socket.setTimeout(
      purpose === Purpose.snapshot ? SNAPSHOT_STALL_LIMIT_MS : PEER_SILENCE_LIMIT_MS,
    );
    socket.write(WELCOME);
    return this.#options.open({ from: hello.from, socket }, hello);
  }

  async #describe(socket: Socket): Promise<void> {
    socket.setTimeout(REQUEST_TIMEOUT_MS);
    try {
      const description = await this.#options.describe();
      if (!socket.destroyed) socket.end(makeFrame(FrameType.description, description));
    } catch (error) {
      this.#refuse(socket, errorText(error));
    }
  }

  #refuse(socket: Socket, reason: string): void {
    this.#end(socket, FrameType.refusal, reason);
  }

  /** Says why, then closes. Logged once for the same reason in a row. */
  #end(socket: Socket, type: FrameType, reason: string): void {
    if (socket.destroyed || socket.writableEnded) return;
    if (reason !== this.#lastRefusal) {
      this.#lastRefusal = reason;
      const caller = `${socket.remoteAddress}:${socket.remotePort}`;
      this.#options.log.warn({ caller, reason }, "refused a connection");
    }
    socket.removeAllListeners("data");
    socket.resume();
    socket.end(makeFrame(type, utf8(reason)), () => socket.destroy());
  }
}
