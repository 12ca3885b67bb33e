import { connect, createServer, type Server, type Socket } from "node:net";
import { parseHostPort } from "../../shared/address.js";
import { DelayedPipe } from "./delayed-pipe.js";
import { listenOnLoopback } from "./loopback.js";

export interface DelayProxyOptions {
  /** host:port that connections go on to. */
  readonly target: string;
  /** One-way delay in milliseconds, in each direction. */
  readonly delayMs: number;
  /** Further delay of up to this many milliseconds, drawn for each piece. */
  readonly jitterMs?: number;
  /** Where jitter comes from; needed when there is any. Gives numbers in [0, 1). */
  readonly random?: () => number;
}

/**
 * What a cut does: `reset` ends open connections and refuses new ones, `blackhole` lets
 * nothing through without a word, `forth` and `back` do that only to what comes from those
 * who dial or goes to them.
 */
export type Cut = "reset" | "blackhole" | "forth" | "back";

interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  /** From `near` to `far`. */
  readonly forth: DelayedPipe;
  readonly back: DelayedPipe;
}

/**
 * A user-space stand-in for a WAN link: a TCP proxy on loopback that delays both
 * directions and can be cut. A connection's first bytes wait for the delay as well, so
 * its opening costs a round trip more, as in life.
 */
export class DelayProxy {
  readonly #server: Server;
  readonly #options: DelayProxyOptions;
  readonly #connections = new Set<Connection>();
  #cut: Cut | undefined;
  #address = "";

  private constructor(options: DelayProxyOptions) {
    this.#options = options;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** Starts a proxy on a free loopback port. */
  static async start(options: DelayProxyOptions): Promise<DelayProxy> {
    const proxy = new DelayProxy(options);
    proxy.#address = await listenOnLoopback(proxy.#server);
    return proxy;
  }

  /** host:port to connect to in place of the target. */
  get address(): string {
    return this.#address;
  }

  #delay(): number {
    const { delayMs, jitterMs = 0, random } = this.#options;
    return jitterMs === 0 ? delayMs : delayMs + jitterMs * (random?.() ?? 0);
  }

  #accept(near: Socket): void {
    if (this.#cut === "reset") {
      near.resetAndDestroy();
      return;
    }
    const { host, port } = parseHostPort(this.#options.target, "target");
    const far = connect({ host, port });
    const delay = (): number => this.#delay();
    const forth = new DelayedPipe(near, far, delay);
    const back = new DelayedPipe(far, near, delay);
    const connection: Connection = { near, far, forth, back };
    this.#connections.add(connection);
    this.#hold(connection);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.#end(connection));
      socket.on("close", (hadError) => {
        if (hadError || (near.destroyed && far.destroyed)) this.#end(connection);
      });
    }
  }

  #end(connection: Connection): void {
    this.#connections.delete(connection);
    connection.forth.stop();
    connection.back.stop();
    connection.near.destroy();
    connection.far.destroy();
  }

  #hold({ forth, back }: Connection): void {
    forth.hold(this.#cut === "blackhole" || this.#cut === "forth");
    back.hold(this.#cut === "blackhole" || this.#cut === "back");
  }

  /** Cuts the link; another cut takes the place of an earlier one. */
  cut(how: Cut): void {
    this.#cut = how;
    for (const connection of this.#connections) {
      if (how === "reset") this.#end(connection);
      else this.#hold(connection);
    }
  }

  /** Lets the link carry again; what it held comes out. */
  heal(): void {
    this.#cut = undefined;
    for (const connection of this.#connections) this.#hold(connection);
  }

  /** Ends all connections and stops listening. */
  async stop(): Promise<void> {
    for (const connection of this.#connections) this.#end(connection);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
