import { MIRROR_INDEX_SCAN } from "../../shared/limits.js";
import type { RedisConnection } from "./connection.js";
import { epochKey, unitsKey } from "./core/keys.js";

/** The set of all units, and the text by which it is noticed that Redis has lost its data. */
export class IndexKeeper {
  readonly #connection: RedisConnection;
  readonly #prefix: string;

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  /** The epoch that Redis is in; a new one is begun, with the text `fresh`, where there is none. */
  async epoch(fresh: string): Promise<string> {
    const key = epochKey(this.#prefix);
    await this.#connection.call("SET", key, fresh, "NX");
    return String(await this.#connection.call("GET", key));
  }

  /** Names of the units that have groups, as any gateway wrote them. */
  async *names(): AsyncGenerator<string> {
    let cursor = "0";
    do {
      const answer = await this.#connection.call(
        "SSCAN",
        unitsKey(this.#prefix),
        cursor,
        "COUNT",
        MIRROR_INDEX_SCAN,
      );
      const [next, names] = answer as [unknown, unknown[]];
      for (const name of names) yield String(name);
      cursor = String(next);
    } while (cursor !== "0");
  }

  /** Lists a unit, or takes it off the list. */
  async list(name: string, isLive: boolean): Promise<void> {
    await this.#connection.call(isLive ? "SADD" : "SREM", unitsKey(this.#prefix), name);
  }
}
