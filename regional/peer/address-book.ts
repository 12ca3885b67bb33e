import { type HostPort, parseHostPort } from "../../shared/address.js";
import { AtollError } from "../../shared/errors.js";

/** Where one member may be reached. */
interface Places {
  /** As the membership says. */
  listed: readonly HostPort[];
  /** As the member itself said when it last called. */
  told: HostPort | undefined;
  /** Counts attempts, so that each goes to the next place. */
  attempts: number;
}

/**
 * Where members are dialed. What a member says of itself when it calls goes before what the
 * membership says: whoever is behind may know only where it was before it moved.
 */
export class AddressBook {
  readonly #places = new Map<number, Places>();

  /** What the membership says of a member. */
  set(id: number, listed: readonly HostPort[]): void {
    const known = this.#places.get(id);
    if (known === undefined) this.#places.set(id, { listed, told: undefined, attempts: 0 });
    else known.listed = listed;
  }

  /** What a caller says of itself. False when that is no address, or empty. */
  tell(id: number, address: string): boolean {
    if (address === "") return false;
    let told: HostPort;
    try {
      told = parseHostPort(address, "hello");
    } catch {
      return false;
    }
    const known = this.#places.get(id);
    if (known === undefined) this.#places.set(id, { listed: [], told, attempts: 0 });
    else known.told = told;
    return true;
  }

  delete(id: number): void {
    this.#places.delete(id);
  }

  /** Where the next attempt goes. Throws NOT_FOUND when nothing is known. */
  next(id: number): HostPort {
    const places = this.#places.get(id);
    if (places !== undefined) places.attempts++;
    return this.latest(id);
  }

  /** The latest attempt succeeded: the next one, should it be needed, goes there too. */
  keep(id: number): void {
    const places = this.#places.get(id);
    if (places !== undefined) places.attempts--;
  }

  /** Where the latest attempt went, for another connection beside it. Throws NOT_FOUND. */
  latest(id: number): HostPort {
    const { told, listed = [], attempts = 0 } = this.#places.get(id) ?? {};
    const isTold = ({ host, port }: HostPort): boolean => host === told?.host && port === told.port;
    const all = told === undefined ? listed : [told, ...listed.filter((one) => !isTold(one))];
    const address = all[Math.max(0, attempts - 1) % Math.max(1, all.length)];
    if (address === undefined) {
      const text = `it isn't known where member ${id.toString(16)} can be reached`;
      throw new AtollError("NOT_FOUND", text);
    }
    return address;
  }
}
