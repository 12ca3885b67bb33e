import type { SimGateway } from "./sim-gateway.js";

/** A stream between two gateways of the world; messages keep their order. */
export interface Connection {
  readonly dialer: SimGateway;
  readonly address: string;
  readonly session: number;
  readonly target: SimGateway;
  readonly stream: number;
  /** When the last message in each direction arrives. */
  lastUpMs: number;
  lastDownMs: number;
  open: boolean;
}

/** The world's time and what is to happen in it. */
interface Schedule {
  readonly nowMs: number;
  at(delayMs: number, run: () => void): void;
}

/** What is lost of a cut direction is sent again so often, as TCP would. */
const RESEND_MS = 200;

/** The streams between gateways, with cuts and slowness by direction between regions. */
export class SimNetwork {
  readonly #world: Schedule;
  readonly #oneWayMs: (from: SimGateway, to: SimGateway) => number;
  readonly #open = new Set<Connection>();
  readonly #dialled = new Map<SimGateway, Map<string, Connection>>();
  readonly #accepted = new Map<SimGateway, Map<number, Connection>>();
  readonly #cuts = new Set<string>();
  readonly #slow = new Map<string, number>();
  #nextStream = 1;

  constructor(world: Schedule, oneWayMs: (from: SimGateway, to: SimGateway) => number) {
    this.#world = world;
    this.#oneWayMs = oneWayMs;
  }

  dial(dialer: SimGateway, address: string, session: number, target: SimGateway): Connection {
    const connection: Connection = {
      ...{ dialer, address, session, target, stream: this.#nextStream++ },
      ...{ lastUpMs: 0, lastDownMs: 0, open: true },
    };
    this.#open.add(connection);
    within(this.#dialled, dialer).set(`${address} ${session}`, connection);
    within(this.#accepted, target).set(connection.stream, connection);
    return connection;
  }

  /** An open stream by the end that dialled it. */
  dialled(dialer: SimGateway, address: string, session: number): Connection | undefined {
    return this.#dialled.get(dialer)?.get(`${address} ${session}`);
  }

  /** An open stream by the end that was dialled. */
  accepted(target: SimGateway, stream: number): Connection | undefined {
    return this.#accepted.get(target)?.get(stream);
  }

  /** Ends a stream; false when it was ended before. */
  close(connection: Connection): boolean {
    if (!connection.open) return false;
    connection.open = false;
    this.#open.delete(connection);
    const { dialer, address, session, target, stream } = connection;
    this.#dialled.get(dialer)?.delete(`${address} ${session}`);
    this.#accepted.get(target)?.delete(stream);
    return true;
  }

  /** Open streams for which something holds. */
  filter(holds: (connection: Connection) => boolean): Connection[] {
    return [...this.#open].filter(holds);
  }

  /** Messages from one region's gateways to another's get lost; streams hang. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Messages from one region to another take longer by so much, the other way not. */
  slow(from: string, to: string, byMs: number): void {
    this.#slow.set(`${from}>${to}`, byMs);
  }

  /** Ends cuts and slowness. */
  heal(): void {
    this.#slow.clear();
    this.#cuts.clear();
  }

  /** Carries a message from the end that dialled to the other. */
  up(connection: Connection, run: () => void): void {
    const { dialer, target } = connection;
    const arrivalMs = Math.max(connection.lastUpMs, this.#arrivalMs(dialer, target));
    connection.lastUpMs = arrivalMs;
    this.#deliver(connection, dialer, target, arrivalMs, run);
  }

  /** Carries a message to the end that dialled. */
  down(connection: Connection, run: () => void): void {
    const { dialer, target } = connection;
    const arrivalMs = Math.max(connection.lastDownMs, this.#arrivalMs(target, dialer));
    connection.lastDownMs = arrivalMs;
    this.#deliver(connection, target, dialer, arrivalMs, run);
  }

  #arrivalMs(from: SimGateway, to: SimGateway): number {
    const slowMs = this.#slow.get(`${from.region.name}>${to.region.name}`) ?? 0;
    return this.#world.nowMs + slowMs + this.#oneWayMs(from, to);
  }

  /** Delivers in order; what is cut waits until the heal. */
  #deliver(
    connection: Connection,
    from: SimGateway,
    to: SimGateway,
    atMs: number,
    run: () => void,
  ): void {
    const world = this.#world;
    world.at(atMs - world.nowMs, () => {
      if (!connection.open || !to.alive) return;
      const isCut = this.#cuts.has(`${from.region.name}>${to.region.name}`);
      if (isCut || !to.runs(world.nowMs)) {
        const later = isCut ? world.nowMs + RESEND_MS : to.frozenUntilMs + 0.1;
        if (from === connection.dialer) connection.lastUpMs = Math.max(connection.lastUpMs, later);
        else connection.lastDownMs = Math.max(connection.lastDownMs, later);
        this.#deliver(connection, from, to, later, run);
        return;
      }
      run();
    });
  }
}

function within<K, V>(maps: Map<SimGateway, Map<K, V>>, gateway: SimGateway): Map<K, V> {
  let map = maps.get(gateway);
  if (map === undefined) {
    map = new Map();
    maps.set(gateway, map);
  }
  return map;
}
