import { DelayProxy } from "./delay-proxy.js";

/** How all links between two regions are cut, in both directions; see `Cut`. */
type NetworkCut = "reset" | "blackhole";

/** Milliseconds one way, from the region that dials to the one that is dialled. */
type Distance = (from: string, to: string) => number;

interface Link {
  readonly from: string;
  readonly to: string;
  readonly proxy: DelayProxy;
}

/** Links between regions with a delay on each, for `startWorld`'s `via`; they can be cut and healed. */
export class Network {
  readonly #distance: Distance;
  /** By the region that dials and the one that is dialled. */
  readonly #links: Link[] = [];

  /** `delayMs`: one way, in milliseconds; the same everywhere, or by where it is. */
  constructor(delayMs: number | Distance) {
    this.#distance = typeof delayMs === "number" ? () => delayMs : delayMs;
  }

  /** Puts a link on the way from one region to a gateway of another; gives the address to dial. */
  readonly via = async (from: string, to: string, target: string): Promise<string> => {
    const proxy = await DelayProxy.start({ target, delayMs: this.#distance(from, to) });
    this.#links.push({ from, to, proxy });
    return proxy.address;
  };

  #dialled(from: string, to: string): DelayProxy[] {
    return this.#links
      .filter((link) => link.from === from && link.to === to)
      .map(({ proxy }) => proxy);
  }

  /** Cuts all links between two regions. */
  cut(a: string, b: string, how: NetworkCut): void {
    for (const proxy of [...this.#dialled(a, b), ...this.#dialled(b, a)]) proxy.cut(how);
  }

  /** What one region's gateways say no longer comes to another's; the other direction goes on. */
  mute(from: string, to: string): void {
    for (const proxy of this.#dialled(from, to)) proxy.cut("forth");
    for (const proxy of this.#dialled(to, from)) proxy.cut("back");
  }

  heal(a: string, b: string): void {
    for (const proxy of [...this.#dialled(a, b), ...this.#dialled(b, a)]) proxy.heal();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#links.map(({ proxy }) => proxy.stop()));
  }
}
