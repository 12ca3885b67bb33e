import { ByteWriter } from "./byte-writer.js";
import { OPERATORS, type Signature, type Trust } from "./trust.js";
import type { Incarnation } from "./version.js";

/**
 * What an operator has decided of a region, for all gateways and for good. `forget`
 * removes it up to an incarnation counter. `adopt` settles which life is the one of a
 * counter: of two that claim it, or of one that came out of turn.
 */
export interface Order extends Signature {
  readonly kind: "forget" | "adopt";
  readonly region: string;
  readonly counter: number;
  /** The life that is adopted; empty to forget. */
  readonly nonce: string;
  /** Of two orders to adopt for one counter the one with the higher number stands. */
  readonly serial: number;
}

/** An order before it is signed. */
export type OrderStatement = Omit<Order, keyof Signature>;

/** How an incarnation of a region stands to the one that is held. */
export type Place =
  /** None is held. */
  | "first"
  /** It is the one that is held. */
  | "same"
  /** It takes the place of the one that is held. */
  | "later"
  /** The region was removed, this life of it included. */
  | "forgotten"
  /** It is over, or an operator has settled for another one. */
  | "superseded"
  /** It claims the counter of the one that is held. */
  | "conflict"
  /** It skips a counter, and no operator has adopted it. */
  | "jump";

const ORDER_DOMAIN = "atoll order 1";
const writer = new ByteWriter();

/** The bytes of an order that are signed. Valid until the next call. */
export function orderBytes({ kind, region, counter, nonce, serial }: OrderStatement): Uint8Array {
  writer.reset();
  writer.text(ORDER_DOMAIN);
  writer.text(kind);
  writer.text(region);
  writer.varint(counter);
  writer.text(nonce);
  writer.varint(serial);
  return writer.written();
}

/** The orders that stand: joined by the highest, kept for good. */
export class Orders {
  readonly #trust: Trust;
  readonly #forgets = new Map<string, Order>();
  readonly #adopts = new Map<string, Order>();
  readonly #forgotten = new Map<string, number>();

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** Incarnation counters up to which regions were removed. */
  get forgotten(): ReadonlyMap<string, number> {
    return this.#forgotten;
  }

  /** The life of a region that an operator settled for last. */
  adopted(region: string): Order | undefined {
    return this.#adopts.get(region);
  }

  /** All orders that stand. */
  *all(): Generator<Order> {
    yield* this.#forgets.values();
    yield* this.#adopts.values();
  }

  /** Whether an order would change what stands; its signature isn't looked at. */
  isNews(order: Order): boolean {
    const standing = (order.kind === "forget" ? this.#forgets : this.#adopts).get(order.region);
    return standing === undefined || compareOrders(order, standing) > 0;
  }

  /** Takes an order that is news; returns why not, when it isn't an operator's. */
  take(order: Order): "unsigned" | "unknown-key" | "forged" | undefined {
    if (order.signature.length === 0 && !this.#trust.isOpen) return "unsigned";
    const distrust = this.#trust.verify(OPERATORS, order, orderBytes(order));
    if (distrust !== undefined) return distrust;
    if (order.kind === "adopt") {
      this.#adopts.set(order.region, order);
    } else {
      this.#forgets.set(order.region, order);
      this.#forgotten.set(order.region, order.counter);
    }
    return undefined;
  }

  /** How an incarnation of a region stands to the one that is held. */
  place(region: string, held: Incarnation | undefined, incoming: Incarnation): Place {
    if (incoming.counter <= (this.#forgotten.get(region) ?? 0)) return "forgotten";
    const adopted = this.#adopts.get(region);
    const isAdopted = adopted?.counter === incoming.counter && adopted.nonce === incoming.nonce;
    if (adopted !== undefined && !isAdopted && incoming.counter <= adopted.counter) {
      return "superseded";
    }
    if (held === undefined) return "first";
    if (incoming.counter < held.counter) return isAdopted ? "later" : "superseded";
    if (incoming.counter === held.counter) {
      if (incoming.nonce === held.nonce) return "same";
      return isAdopted ? "later" : "conflict";
    }
    return incoming.counter === held.counter + 1 || isAdopted ? "later" : "jump";
  }
}

function compareOrders(a: Order, b: Order): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  if (a.serial !== b.serial) return a.serial - b.serial;
  return a.nonce < b.nonce ? -1 : Number(a.nonce > b.nonce);
}
