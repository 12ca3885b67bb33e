import {
  MAX_HEARSAY_REGIONS,
  MESH_HELLO_TIMEOUT_MS,
  MESH_LINK_DEAD_MS,
  MESH_LINK_SUSPECT_MS,
  MESH_PING_INTERVAL_MS,
  MESH_PULL_INTERVAL_MS,
  MESH_RECONNECT_MAX_MS,
  MESH_RECONNECT_MIN_MS,
  MESH_SELF_RETRY_MS,
  MESH_VECTOR_CLAIMS,
  QUARANTINE_AFTER_FAILURES,
} from "../../../shared/limits.js";
import type { Random } from "../../../shared/random.js";
import type { Section } from "../../digest/section.js";
import { TransferAssembler } from "../../digest/transfer-assembler.js";
import type { PeerHello } from "./hello.js";
import type { Now } from "./now.js";
import type { PeerStanding } from "./standing.js";

/**
 * `idle`: known, not wanted. `connecting`: dialled, no hello yet. `up`: talking.
 * `down`: failed, to be dialled again after a pause.
 */
export type LinkState = "idle" | "connecting" | "up" | "down";

/** Failures in a row beyond which the pause doesn't grow. */
const LONGEST_BACKOFF_FAILURES = 10;
/** A link that was up for so long begins again with the shortest pause. */
const STEADY_MS = 10_000;
/** Weight of a new sample in the round-trip time's moving average. */
const RTT_WEIGHT = 0.2;

/** What is kept of a stream from its dial to its end. */
class StreamBooks {
  readonly standings = new Map<string, PeerStanding>();
  news = new Set<string>();
  readonly assembler = new TransferAssembler();
  readonly bases = new Map<string, Section>();
  interest: ReadonlySet<string> = new Set();
  /** Until when regions may come that are not pushed (any more). */
  readonly expected = new Map<string, number>();
  /** Regions that the peer tells of and that are neither listed nor held here. */
  readonly hearsay = new Set<string>();
  /** When things were asked for last, on the monotonic clock; the latest last. */
  readonly pulledMs = new Map<string, number>();
  /** Refusals in a row, by section. */
  readonly failures = new Map<string, number>();
  /** The stamps of the first and last pings. */
  firstStampMs = Number.POSITIVE_INFINITY;
  lastStampMs = Number.NEGATIVE_INFINITY;
}

const NO_STANDINGS: ReadonlyMap<string, PeerStanding> = new Map();
const NO_REGIONS: ReadonlySet<string> = new Set();

/** This gateway's stream from one other gateway: the receiver's books of it. */
export class Link {
  readonly region: string;
  /** host:port */
  readonly address: string;
  state: LinkState = "idle";
  /** The address leads back to this gateway itself, as who answers there says. */
  isSelf = false;
  /** Each dial's own number, so that news of an earlier stream is told apart. */
  session = 0;
  hello: PeerHello | undefined;
  /** Why it is down, for people. */
  error: string | undefined;
  #books: StreamBooks | undefined;
  /** Smoothed round trip, in milliseconds; undefined while not measured. */
  rttMs: number | undefined;
  /** When the last ping was sent, on the monotonic clock. */
  #lastPingMs = Number.NEGATIVE_INFINITY;
  #lastEchoMs = Number.NEGATIVE_INFINITY;
  /** When the peer's hello came, on the age clock. */
  #openedMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #heardMs = 0;
  #sinceMs = 0;

  constructor(region: string, address: string) {
    this.region = region;
    this.address = address;
  }

  /** What the peer said it has, by region. */
  get standings(): ReadonlyMap<string, PeerStanding> {
    return this.#books?.standings ?? NO_STANDINGS;
  }

  /** Puts the chunks of this stream together. */
  get assembler(): TransferAssembler {
    return this.#open.assembler;
  }

  /** Sections as this stream brought them last: what the peer tells differences from. */
  get bases(): Map<string, Section> {
    return this.#open.bases;
  }

  /** The peer says what it has of a region. */
  told(standing: PeerStanding): void {
    this.#open.standings.set(standing.region, standing);
    this.#open.news.add(standing.region);
  }

  /** Regions that the peer told of since this was called. */
  takeNews(): ReadonlySet<string> {
    const books = this.#books;
    if (books === undefined || books.news.size === 0) return NO_REGIONS;
    const { news } = books;
    books.news = new Set();
    return news;
  }

  /** Regions that the peer is to push. */
  get interest(): ReadonlySet<string> {
    return this.#books?.interest ?? NO_REGIONS;
  }

  /** Changes what the peer is to push; what is on its way may still come for a while. */
  setInterest(regions: ReadonlySet<string>, untilMs: number): void {
    for (const region of this.interest) if (!regions.has(region)) this.expect(region, untilMs);
    this.#open.interest = regions;
  }

  /** A region was asked for once. */
  expect(region: string, untilMs: number): void {
    this.#open.expected.set(region, untilMs);
  }

  /** Whether the peer may send a region's sections. */
  expects(region: string, now: Now): boolean {
    if (this.interest.has(region)) return true;
    const untilMs = this.#books?.expected.get(region) ?? Number.NEGATIVE_INFINITY;
    return now.monotonicMs <= untilMs;
  }

  /** Failed dials and broken streams in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** When the link came into its state, on the monotonic clock. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Whether it may be dialled now. */
  isDue(now: Now): boolean {
    return this.state === "idle" || (this.state === "down" && now.monotonicMs >= this.#retryAtMs);
  }

  /** It was so long ago that this gateway itself answered, that another one may by now. */
  isOldSelf(now: Now): boolean {
    return this.isSelf && now.monotonicMs - this.#sinceMs >= MESH_SELF_RETRY_MS;
  }

  /** Up, and heard of lately. */
  isHealthy(now: Now): boolean {
    return this.state === "up" && now.monotonicMs - this.#heardMs < MESH_LINK_SUSPECT_MS;
  }

  /**
   * Whether it answers pings. A peer that doesn't hear this gateway may still be heard, but
   * then nothing says how old its news are.
   */
  isAnswered(now: Now): boolean {
    const sinceMs = Math.max(this.#lastEchoMs, this.#openedMs);
    return now.ageMs - sinceMs < MESH_LINK_SUSPECT_MS + (this.rttMs ?? 0);
  }

  /** Silent for too long: to be ended. */
  isDead(now: Now): boolean {
    if (this.state === "connecting") {
      return now.monotonicMs - this.#sinceMs >= MESH_HELLO_TIMEOUT_MS;
    }
    return this.state === "up" && now.monotonicMs - this.#heardMs >= MESH_LINK_DEAD_MS;
  }

  dial(session: number, now: Now): void {
    this.session = session;
    this.pinged(now);
    this.#enter("connecting", now);
  }

  opened(hello: PeerHello, now: Now): void {
    this.hello = hello;
    this.error = undefined;
    this.#heardMs = now.monotonicMs;
    this.#lastPingMs = Number.NEGATIVE_INFINITY;
    this.#lastEchoMs = Number.NEGATIVE_INFINITY;
    this.#openedMs = now.ageMs;
    this.#enter("up", now);
  }

  /** Whether a ping is due on a stream that is up. */
  isPingDue(now: Now): boolean {
    return this.state === "up" && now.monotonicMs - this.#lastPingMs >= MESH_PING_INTERVAL_MS;
  }

  /** A ping goes out, stamped with the age clock. */
  pinged(now: Now): void {
    this.#lastPingMs = now.monotonicMs;
    this.#open.lastStampMs = now.ageMs;
    this.#open.firstStampMs = Math.min(this.#open.firstStampMs, now.ageMs);
  }

  /** Whether a ping with this stamp can have been sent on this stream. */
  hasSent(stampMs: number): boolean {
    return stampMs >= this.#open.firstStampMs && stampMs <= this.#open.lastStampMs;
  }

  /** Whether the peer may tell of a region that is neither listed nor held here. */
  mayTellOf(region: string): boolean {
    const { hearsay } = this.#open;
    if (!hearsay.has(region) && hearsay.size >= MAX_HEARSAY_REGIONS) return false;
    hearsay.add(region);
    return true;
  }

  /** The region came to be known by its own word. */
  isNoHearsay(region: string): void {
    this.#open.hearsay.delete(region);
  }

  /** A section that is held was refused once more; whether it comes whole from now on. */
  failsOften(section: string): boolean {
    const { failures } = this.#open;
    const inRow = (failures.get(section) ?? 0) + 1;
    failures.set(section, inRow);
    return inRow >= QUARANTINE_AFTER_FAILURES;
  }

  /** A section was taken. */
  succeeded(section: string): void {
    this.#open.failures.delete(section);
  }

  /** Takes note that something is asked for; false when it was a moment ago. */
  mayPull(what: string, now: Now): boolean {
    const { pulledMs } = this.#open;
    const pauseMs = Math.max(MESH_PULL_INTERVAL_MS, 2 * (this.rttMs ?? 0));
    for (const [asked, atMs] of pulledMs) {
      if (now.monotonicMs - atMs < pauseMs) break;
      pulledMs.delete(asked);
    }
    if (pulledMs.has(what) || pulledMs.size >= MESH_VECTOR_CLAIMS) return false;
    pulledMs.set(what, now.monotonicMs);
    return true;
  }

  heard(now: Now): void {
    this.#heardMs = now.monotonicMs;
  }

  /**
   * The peer has answered a ping; the first answer to each measures the round trip, save that
   * to the ping which went with the dial: it waited for the connection.
   */
  echoed(stampMs: number, now: Now): void {
    if (stampMs <= this.#lastEchoMs) return;
    this.#lastEchoMs = stampMs;
    if (stampMs < this.#openedMs) return;
    const roundTripMs = now.ageMs - stampMs;
    this.rttMs =
      this.rttMs === undefined ? roundTripMs : this.rttMs + RTT_WEIGHT * (roundTripMs - this.rttMs);
  }

  /** The stream ended or could not be opened; dialled again after a pause with jitter. */
  failed(error: string, now: Now, random: Random): void {
    if (this.state === "up" && now.monotonicMs - this.#sinceMs >= STEADY_MS) this.#failures = 0;
    const pause = Math.min(MESH_RECONNECT_MAX_MS, MESH_RECONNECT_MIN_MS * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, LONGEST_BACKOFF_FAILURES);
    this.#retryAtMs = now.monotonicMs + pause * (0.5 + random.next() / 2);
    this.error = error;
    this.#close("down", now);
  }

  /** No longer wanted. */
  hungUp(now: Now): void {
    this.#close("idle", now);
  }

  get #open(): StreamBooks {
    this.#books ??= new StreamBooks();
    return this.#books;
  }

  #close(state: LinkState, now: Now): void {
    this.hello = undefined;
    this.#books = undefined;
    this.rttMs = undefined;
    this.#enter(state, now);
  }

  #enter(state: LinkState, now: Now): void {
    this.state = state;
    this.#sinceMs = now.monotonicMs;
  }
}

/** Whether the way that a peer tells of leads through a region's gateways, its own hop aside. */
export function leadsTo(region: string, peer: Link, path: readonly string[]): boolean {
  return path.includes(region, peer.region === region ? 1 : 0);
}
