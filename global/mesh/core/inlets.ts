import { errorText } from "../../../shared/errors.js";
import type { SyncResponse } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MAX_REGIONS, MESH_VECTOR_CLAIMS } from "../../../shared/limits.js";
import type { Random } from "../../../shared/random.js";
import type { GlobalState } from "../../digest/global-state.js";
import { type SectionId, sectionKey } from "../../digest/section.js";
import { encodeClaim } from "../../digest/wire-version.js";
import type { AddressBook } from "./address-book.js";
import { decodeHello, encodeHello, type SelfHello } from "./hello.js";
import { Link } from "./link.js";
import type { Now } from "./now.js";
import type { MeshOutput, SyncRequestInit } from "./output.js";

/** Time that a stream which nobody wants any more is kept, so that plans may waver. */
const LINGER_MS = 2_000;
/** Time in which a region that was asked for may come without being pushed. */
const LATE_MS = 10_000;

export interface InletsInput {
  readonly self: () => SelfHello;
  readonly addresses: AddressBook;
  readonly state: GlobalState;
  readonly random: Random;
  readonly emit: (output: MeshOutput) => void;
}

/** The receiver's half: this gateway's streams from others, and what it says on them. */
export class Inlets {
  readonly #links = new Map<string, Link>();
  readonly #streams = new Set<Link>();
  readonly #input: InletsInput;
  #sessions = 0;
  readonly #unwantedSinceMs = new Map<string, number>();

  constructor(input: InletsInput) {
    this.#input = input;
  }

  /** Gateways that were dialled; those that aren't wanted any more are forgotten. */
  get links(): ReadonlyMap<string, Link> {
    return this.#links;
  }

  /** Those that are up or being dialled. */
  get streams(): ReadonlySet<Link> {
    return this.#streams;
  }

  /** Takes up what has changed of where gateways can be dialled. */
  readdress(now: Now): void {
    for (const link of this.#links.values()) {
      // One that talks goes on until the plan has another in its place.
      if (link.state === "up" || this.#isAddressed(link)) continue;
      if (link.state === "connecting") this.#hangUp(link);
      this.#idle(link, now);
      this.#links.delete(link.address);
    }
  }

  /** The link of an address that a region's gateway is said to have. */
  meet(region: string, address: string): Link {
    const known = this.#links.get(address);
    if (known?.region === region) return known;
    const link = new Link(region, address);
    // An address that has gone from one region to another: its stream is the old one's.
    if (known !== undefined && this.#streams.delete(known)) this.#hangUp(known);
    this.#links.set(address, link);
    return link;
  }

  /** Whether it is said where a region's gateways are. */
  isListed(region: string): boolean {
    return this.#input.addresses.directory.has(region);
  }

  /** Whether another stream than this brings a region, and is heard of. */
  isBroughtBesides(link: Link, region: string, now: Now): boolean {
    for (const other of this.#streams) {
      if (other !== link && other.interest.has(region) && other.isHealthy(now)) return true;
    }
    return false;
  }

  #isAddressed({ region, address }: Link): boolean {
    return this.#input.addresses.of(region).includes(address);
  }

  /** Brings the streams in line with a plan: regions wanted by address. */
  follow(plan: ReadonlyMap<string, ReadonlySet<string>>, now: Now): void {
    for (const link of this.#streams) {
      if (link.isDead(now)) {
        this.#hangUp(link);
        this.#failed(link, link.state === "up" ? "it fell silent" : "it didn't answer", now);
      } else if (!plan.has(link.address)) {
        this.#dismiss(link, now);
      }
    }
    for (const link of this.#links.values()) if (link.isOldSelf(now)) link.isSelf = false;
    for (const [address, interest] of plan) {
      const link = this.#links.get(address);
      if (link !== undefined && !link.isSelf) this.#attend(link, this.#bounded(interest), now);
    }
  }

  /** Sends the pings that are due. */
  ping(now: Now): void {
    for (const link of this.#streams) {
      if (!link.isPingDue(now)) continue;
      link.pinged(now);
      this.#request(link, { ping: { stampMs: now.ageMs } });
    }
  }

  /** The link of a stream that is still the one in use. */
  current(address: string, session: number): Link | undefined {
    const link = this.#links.get(address);
    return link?.session === session && (link.state === "connecting" || link.state === "up")
      ? link
      : undefined;
  }

  /** A stream's first frame. */
  opened(link: Link, frame: SyncResponse, now: Now): void {
    if (frame.hello === undefined) {
      this.refuse(link, "its first frame has no hello", now);
      return;
    }
    const self = this.#input.self();
    try {
      const hello = decodeHello(frame.hello);
      if (hello.region !== link.region) {
        this.refuse(link, `it is a gateway of ${hello.region}, not of ${link.region}`, now);
        return;
      }
      if (hello.region === self.region && hello.gateway === self.gateway) {
        link.isSelf = true;
        this.#hangUp(link);
        this.#idle(link, now);
        return;
      }
      link.opened(hello, now);
      const { region, address } = link;
      this.#input.emit({
        kind: "event",
        event: { kind: "link-up", region, address, gateway: hello.gateway },
      });
    } catch (error) {
      this.refuse(link, errorText(error), now);
    }
  }

  /** Ends a stream for what came on it. */
  refuse(link: Link, reason: string, now: Now): void {
    this.#hangUp(link);
    this.#failed(link, reason, now);
  }

  /** A stream ended or could not be opened. */
  closed(address: string, session: number, error: string, now: Now): void {
    const link = this.current(address, session);
    if (link !== undefined) this.#failed(link, error, now);
  }

  /**
   * Asks a peer for sections of a region; all of them when none is named. `isWhole` asks as
   * if nothing of them were here.
   */
  pull(link: Link, region: string, ids: readonly SectionId[], now: Now, isWhole = false): boolean {
    const due = ids.filter((id) => link.mayPull(sectionKey(id), now));
    if (ids.length > 0 ? due.length === 0 : !link.mayPull(region, now)) return false;
    link.expect(region, now.monotonicMs + LATE_MS);
    const summaries = due.map(({ summary }) => summary);
    const held = this.#held((id) => {
      if (isWhole) return false;
      return id.region === region && (summaries.length === 0 || summaries.includes(id.summary));
    });
    this.#request(link, { pulls: [{ region, summaries, held }] });
    return true;
  }

  /** No more regions than a peer takes; those that are listed go first. */
  #bounded(interest: ReadonlySet<string>): ReadonlySet<string> {
    if (interest.size <= MAX_REGIONS) return interest;
    const listed = [...interest].filter((region) => this.isListed(region));
    return new Set([...listed, ...interest].slice(0, MAX_REGIONS));
  }

  #dismiss(link: Link, now: Now): void {
    const since = this.#unwantedSinceMs.get(link.address) ?? now.monotonicMs;
    this.#unwantedSinceMs.set(link.address, since);
    this.#setInterest(link, new Set(), now);
    if (now.monotonicMs - since < LINGER_MS) return;
    this.#hangUp(link);
    this.#idle(link, now);
  }

  /** A stream is no longer wanted. */
  #idle(link: Link, now: Now): void {
    this.#streams.delete(link);
    this.#unwantedSinceMs.delete(link.address);
    link.hungUp(now);
    if (!link.isSelf) this.#links.delete(link.address);
  }

  #attend(link: Link, interest: ReadonlySet<string>, now: Now): void {
    this.#unwantedSinceMs.delete(link.address);
    if (link.state === "up") {
      this.#setInterest(link, interest, now);
      return;
    }
    if (!link.isDue(now)) return;
    link.dial(++this.#sessions, now);
    this.#streams.add(link);
    link.setInterest(interest, now.monotonicMs + LATE_MS);
    const request: SyncRequestInit = {
      hello: encodeHello(this.#input.self()),
      interest: { regions: [...interest], held: this.#held(({ region }) => interest.has(region)) },
      ping: { stampMs: now.ageMs },
    };
    const { address, session } = link;
    this.#input.emit({ kind: "dial", address, session, request });
  }

  #setInterest(link: Link, interest: ReadonlySet<string>, now: Now): void {
    const before = link.interest;
    if (before.size === interest.size && [...interest].every((region) => before.has(region)))
      return;
    link.setInterest(interest, now.monotonicMs + LATE_MS);
    const held = this.#held(({ region }) => interest.has(region) && !before.has(region));
    this.#request(link, { interest: { regions: [...interest], held } });
  }

  /** Versions of what is here; those that are quarantined are left out, to come whole. */
  #held(isAsked: (id: SectionId) => boolean) {
    return this.#input.state
      .claims()
      .filter(({ id }) => isAsked(id) && this.#input.state.have(id) !== undefined)
      .slice(0, MESH_VECTOR_CLAIMS)
      .map(encodeClaim);
  }

  #request(link: Link, request: SyncRequestInit): void {
    const { address, session } = link;
    this.#input.emit({ kind: "request", address, session, request });
  }

  #hangUp({ address, session }: Link): void {
    this.#input.emit({ kind: "hang-up", address, session });
  }

  #failed(link: Link, error: string, now: Now): void {
    const wasUp = link.state === "up";
    link.failed(error, now, this.#input.random);
    this.#streams.delete(link);
    if (!this.#isAddressed(link)) this.#links.delete(link.address);
    const { region, address } = link;
    this.#input.emit({
      kind: "event",
      event: { kind: "link-down", region, address, error, wasUp },
    });
  }
}
