import type { Resolver } from "node:dns/promises";
import { formatHostPort } from "../../shared/address.js";
import { errorText } from "../../shared/errors.js";
import { MAX_GATEWAYS_PER_NAME } from "../../shared/limits.js";
import type { PeerName } from "./peer-list.js";

/** What is asked of DNS. */
export type NameResolver = Pick<Resolver, "resolve4" | "resolve6" | "resolveSrv">;

interface Target {
  readonly name: string;
  readonly port: number;
}

/** A server's word that there are no such records; anything else is no answer. */
const NO_RECORDS: readonly unknown[] = ["ENODATA", "ENOTFOUND"];

/**
 * What DNS last said of one name. A question that isn't answered leaves its last answer, and
 * an answer without any address leaves the last addresses: a mistake in a zone, or an outage
 * of its servers, is no reason to part from gateways that work.
 */
export class NameAnswers {
  readonly name: PeerName;
  readonly #resolver: NameResolver;
  /** Records by question. */
  #records = new Map<string, readonly unknown[]>();
  #addresses: readonly string[] = [];
  #error = "";

  constructor(name: PeerName, resolver: NameResolver) {
    this.name = name;
    this.#resolver = resolver;
  }

  /** `host:port` of each gateway, in order. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Why the last look-up wasn't answered, or not in full; empty when it was. */
  get error(): string {
    return this.#error;
  }

  /** Asks DNS. Never throws. */
  async look(): Promise<void> {
    const records = new Map<string, readonly unknown[]>();
    const errors: string[] = [];
    const ask = async <T>(question: string, answer: () => Promise<T[]>): Promise<readonly T[]> => {
      const { found, error } = await this.#ask(question, answer);
      records.set(question, found);
      if (error !== undefined) errors.push(error);
      return found;
    };
    const targets = await this.#targets(ask);
    const found = await Promise.all(
      targets.slice(0, MAX_GATEWAYS_PER_NAME).map(async ({ name, port }) => {
        const hosts = await Promise.all([
          ask(`A of ${name}`, () => this.#resolver.resolve4(name)),
          ask(`AAAA of ${name}`, () => this.#resolver.resolve6(name)),
        ]);
        return hosts.flat().map((host) => formatHostPort({ host, port }));
      }),
    );
    this.#records = records;
    const all = [...new Set(found.flat())].sort();
    if (all.length > MAX_GATEWAYS_PER_NAME) {
      errors.push(`${all.length} addresses, of which ${MAX_GATEWAYS_PER_NAME} count`);
    }
    if (all.length > 0) this.#addresses = all.slice(0, MAX_GATEWAYS_PER_NAME);
    else if (errors.length === 0) errors.push(`${this.name.name} has no addresses`);
    this.#error = errors[0] ?? "";
  }

  /**
   * Where the gateways are. Priorities and weights of SRV records aren't looked at: which
   * gateway fetches from which one is for rendezvous hashing to say, or all would take one.
   */
  async #targets(
    ask: <T>(question: string, answer: () => Promise<T[]>) => Promise<readonly T[]>,
  ): Promise<readonly Target[]> {
    const { name, port } = this.name;
    if (port !== undefined) return [{ name, port }];
    return ask(`SRV of ${name}`, () => this.#resolver.resolveSrv(name));
  }

  async #ask<T>(
    question: string,
    answer: () => Promise<T[]>,
  ): Promise<{ found: readonly T[]; error?: string }> {
    try {
      return { found: await answer() };
    } catch (error) {
      if (NO_RECORDS.includes((error as NodeJS.ErrnoException).code)) return { found: [] };
      const last = (this.#records.get(question) ?? []) as readonly T[];
      return { found: last, error: `${question}: ${errorText(error)}` };
    }
  }
}
