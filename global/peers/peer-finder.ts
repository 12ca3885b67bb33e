import { Resolver } from "node:dns/promises";
import type { Clock } from "../../shared/clock.js";
import { DNS_TIMEOUT_MS, DNS_TRIES, PEER_LOOKUP_PAUSE_MS } from "../../shared/limits.js";
import type { Random } from "../../shared/random.js";
import type { PeerNameStatus } from "../api/view-source.js";
import type { Directory } from "../mesh/core/address-book.js";
import { NameAnswers } from "./name-answers.js";
import type { PeerList } from "./peer-list.js";

/** How names are looked up. */
export interface LookupSettings {
  /** Milliseconds between two look-ups of a name. */
  readonly intervalMs: number;
  /** DNS servers as IP or IP:PORT; those of the machine when there are none. */
  readonly servers: readonly string[];
}

/** What a finder tells its gateway. Listeners must not throw. */
export interface FinderListener {
  /** Gateways have come or gone. */
  found(directory: Directory): void;
  /** A name was looked up: what is new of it, if anything. */
  looked(event: LookupEvent): void;
}

export interface LookupEvent {
  readonly region: string;
  readonly name: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly error: string;
  /** Whether the look-up before fared otherwise. */
  readonly isTurn: boolean;
}

interface Followed {
  readonly answers: NameAnswers;
  timer: NodeJS.Timeout | undefined;
  isLooking: boolean;
  lookedMs: number;
  answeredMs: number | undefined;
}

/** Looks are spread by up to this share of the interval, so that gateways don't ask in step. */
const SPREAD = 0.2;

/**
 * Follows the names by which gateways are found: looks each up at the start, at intervals,
 * and sooner when a stream to one of its gateways fails.
 */
export class PeerFinder {
  readonly #list: PeerList;
  readonly #settings: LookupSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #listener: FinderListener;
  readonly #resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  readonly #followed: readonly Followed[];
  #isStopped = false;

  constructor(
    list: PeerList,
    settings: LookupSettings,
    listener: FinderListener,
    clock: Clock,
    random: Random,
  ) {
    this.#list = list;
    this.#settings = settings;
    this.#listener = listener;
    this.#clock = clock;
    this.#random = random;
    if (settings.servers.length > 0) this.#resolver.setServers(settings.servers);
    this.#followed = list.names.map((name) => ({
      answers: new NameAnswers(name, this.#resolver),
      timer: undefined,
      isLooking: false,
      lookedMs: Number.NEGATIVE_INFINITY,
      answeredMs: undefined,
    }));
  }

  start(): void {
    for (const followed of this.#followed) void this.#look(followed);
  }

  /** A stream to a region's gateway failed: perhaps its gateways are others now. */
  doubt(region: string): void {
    for (const followed of this.#followed) {
      if (followed.answers.name.region !== region || followed.isLooking) continue;
      const pauseMs = followed.lookedMs + PEER_LOOKUP_PAUSE_MS - this.#clock.monotonicMs();
      this.#lookIn(followed, Math.max(0, Math.min(pauseMs, this.#settings.intervalMs)));
    }
  }

  /** How each name stands. */
  status(): PeerNameStatus[] {
    const nowMs = this.#clock.monotonicMs();
    return this.#followed.map(({ answers, answeredMs }) => ({
      region: answers.name.region,
      text: answers.name.text,
      addresses: answers.addresses,
      answerAgeMs: answeredMs === undefined ? undefined : nowMs - answeredMs,
      error: answers.error,
    }));
  }

  /** Safe to call again. */
  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#followed) clearTimeout(timer);
    this.#resolver.cancel();
  }

  #lookIn(followed: Followed, delayMs: number): void {
    clearTimeout(followed.timer);
    followed.timer = setTimeout(() => void this.#look(followed), delayMs);
  }

  async #look(followed: Followed): Promise<void> {
    const { answers } = followed;
    const { addresses: before, error: errorBefore } = answers;
    followed.isLooking = true;
    followed.lookedMs = this.#clock.monotonicMs();
    await answers.look();
    followed.isLooking = false;
    if (this.#isStopped) return;
    const { addresses, error, name } = answers;
    if (error === "") followed.answeredMs = this.#clock.monotonicMs();
    const added = addresses.filter((address) => !before.includes(address));
    const removed = before.filter((address) => !addresses.includes(address));
    const isTurn = (error === "") !== (errorBefore === "");
    const { region, text } = name;
    this.#listener.looked({ region, name: text, added, removed, error, isTurn });
    if (added.length + removed.length > 0) this.#listener.found(this.#directory());
    const { intervalMs } = this.#settings;
    this.#lookIn(followed, intervalMs * (1 - SPREAD * this.#random.next()));
  }

  #directory(): Directory {
    const directory = new Map<string, readonly string[]>(this.#list.directory);
    for (const { answers } of this.#followed) {
      const { region } = answers.name;
      const known = directory.get(region) ?? [];
      directory.set(region, [...new Set([...known, ...answers.addresses])]);
    }
    return directory;
  }
}
