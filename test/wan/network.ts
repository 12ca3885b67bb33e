import { type Cut, DelayProxy } from "./delay-proxy.js";

/** Links between regions with a delay on each, for `startWorld`'s `via`; they can be cut and healed. */
export class Network {
  readonly #delayMs: number;
  /** By the region that dials and the one that is dialled. */
  readonly #links = new Map<string, DelayProxy[]>();

  /** `delayMs`: one way, in milliseconds. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  /** Puts a link on the way from one region to a gateway of another; gives the address to dial. */
  readonly via = async (from: string, to: string, target: string): Promise<string> => {
    const proxy = await DelayProxy.start({ target, delayMs: this.#delayMs });
    const name = `${from} ${to}`;
    this.#links.set(name, [...(this.#links.get(name) ?? []), proxy]);
    return proxy.address;
  };

  #between(a: string, b: string): DelayProxy[] {
    return [...(this.#links.get(`${a} ${b}`) ?? []), ...(this.#links.get(`${b} ${a}`) ?? [])];
  }

  /** Cuts all links between two regions. */
  cut(a: string, b: string, how: Cut): void {
    for (const link of this.#between(a, b)) link.cut(how);
  }

  heal(a: string, b: string): void {
    for (const link of this.#between(a, b)) link.heal();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#links.values()].flat().map((link) => link.stop()));
  }
}
