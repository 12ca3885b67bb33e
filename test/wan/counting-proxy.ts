import { connect, createServer, type Server, type Socket } from "node:net";
import { parseHostPort } from "../../shared/address.js";
import { listenOnLoopback } from "./loopback.js";

/** A TCP proxy on loopback that counts what it carries: every byte of both directions. */
export class CountingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: string;
  #bytes = 0;
  #address = "";

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** Starts a proxy to host:port on a free loopback port. */
  static async start(target: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(target);
    proxy.#address = await listenOnLoopback(proxy.#server);
    return proxy;
  }

  /** host:port to connect to in place of the target. */
  get address(): string {
    return this.#address;
  }

  /** Bytes of both directions so far: what TCP carries, without its own headers. */
  get bytes(): number {
    return this.#bytes;
  }

  #accept(near: Socket): void {
    const { host, port } = parseHostPort(this.#target, "target");
    const far = connect({ host, port });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (bytes: Buffer) => {
        this.#bytes += bytes.length;
      });
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  /** Ends all connections and stops listening. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
