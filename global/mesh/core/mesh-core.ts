import type { SyncRequest, SyncResponse } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MESH_PUSH_INTERVAL_MS, MESH_VECTOR_INTERVAL_MS } from "../../../shared/limits.js";
import type { Random } from "../../../shared/random.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { Order } from "../../digest/orders.js";
import type { RegionReport, ReportBook } from "../../digest/report.js";
import type { Section } from "../../digest/section.js";
import type { Incarnation } from "../../digest/version.js";
import type { FreshnessBook } from "../../view/freshness-book.js";
import { AddressBook, type Directory } from "./address-book.js";
import type { PeerHello } from "./hello.js";
import { holdingOf } from "./holding.js";
import { Inlets } from "./inlets.js";
import { Intake } from "./intake.js";
import type { Link } from "./link.js";
import type { Now } from "./now.js";
import { Outlets } from "./outlets.js";
import type { MeshOutput } from "./output.js";
import { OwnPast } from "./own-past.js";
import { Planner } from "./planner.js";
import { RegionBook } from "./region-book.js";
import { Repair } from "./repair.js";
import { encodeReportFrame } from "./report-frame.js";

export interface MeshCoreInput {
  readonly region: string;
  readonly gateway: string;
  readonly foldSemantics: number;
  /** Gateways by region, as known at first; this one's siblings too, itself or not. */
  readonly directory: Directory;
  readonly state: GlobalState;
  readonly freshness: FreshnessBook;
  readonly reports: ReportBook;
  readonly random: Random;
  /** Shortest time between two pushes on one stream; MESH_PUSH_INTERVAL_MS unless given. */
  readonly pushIntervalMs?: number;
  /** Regions that all fetch from all, before there are trees; MESH_DIRECT_REGIONS unless given. */
  readonly directRegions?: number;
}

/**
 * One gateway's part of the mesh, as a step machine: it is told what happened and
 * when, and `take` gives what is to be done. No I/O, no clock; one seed replays a
 * world of them.
 */
export class MeshCore {
  readonly book: RegionBook;
  readonly #input: MeshCoreInput;
  readonly #addresses: AddressBook;
  readonly #inlets: Inlets;
  readonly #outlets: Outlets;
  readonly #intake: Intake;
  readonly #planner: Planner;
  readonly #repair: Repair;
  readonly #ownPast: OwnPast;
  #outputs: MeshOutput[] = [];
  #incarnation: Incarnation | undefined;
  #nextVectorMs = Number.NEGATIVE_INFINITY;

  constructor(input: MeshCoreInput) {
    this.#input = input;
    const { state, reports, random, region, gateway } = input;
    const book = new RegionBook(state, input.freshness, (of) => this.#measuredRttMs(of));
    const emit = (output: MeshOutput): void => {
      this.#outputs.push(output);
    };
    const self = () => ({
      region,
      gateway,
      foldSemantics: input.foldSemantics,
      incarnation: this.#incarnation,
    });
    const addresses = new AddressBook(region, input.directory, input.directRegions);
    this.#addresses = addresses;
    this.book = book;
    const { pushIntervalMs = MESH_PUSH_INTERVAL_MS } = input;
    this.#outlets = new Outlets({
      self,
      state,
      reports,
      book,
      addresses,
      random,
      pushIntervalMs,
      emit,
    });
    this.#inlets = new Inlets({ self, addresses, state, random, emit });
    const { links, streams } = this.#inlets;
    const meet = (of: string, address: string): Link => this.#inlets.meet(of, address);
    this.#intake = new Intake({
      home: region,
      state,
      reports,
      book,
      inlets: this.#inlets,
      outlets: this.#outlets,
      emit,
    });
    this.#planner = new Planner({ region, gateway, addresses, links, streams, meet, book });
    this.#repair = new Repair(state, random, pushIntervalMs);
    this.#ownPast = new OwnPast({
      home: region,
      state,
      links,
      directory: () => addresses.directory,
      hasSpoken: () => this.#incarnation !== undefined,
    });
  }

  /** Gateways that were dialled, by address. */
  get links(): ReadonlyMap<string, Link> {
    return this.#inlets.links;
  }

  /** Where gateways can be dialled, by region. */
  get directory(): Directory {
    return this.#addresses.directory;
  }

  /** This gateway's streams from others: up, or being dialled. */
  get streams(): ReadonlySet<Link> {
    return this.#inlets.streams;
  }

  /**
   * Gateways come and go, or regions do. A stream to an address that is no longer known is
   * left for one to another gateway of its region, once that is up.
   */
  readdress(directory: Directory, now: Now): void {
    this.#addresses.replace(directory);
    this.#inlets.readdress(now);
  }

  /** Who gets sections from this gateway now. */
  listeners(): PeerHello[] {
    return this.#outlets.peers();
  }

  /** A frame came on a stream that this gateway opened. */
  received(address: string, session: number, frame: SyncResponse, now: Now): void {
    const link = this.#inlets.current(address, session);
    if (link === undefined) return;
    if (link.state === "connecting") this.#inlets.opened(link, frame, now);
    if (link.state !== "up") return;
    link.heard(now);
    this.#intake.take(link, frame, now);
    this.#lookAtOwnPast(now);
  }

  /** A stream that this gateway opened is gone, or couldn't be opened. */
  closed(address: string, session: number, error: string, now: Now): void {
    this.#inlets.closed(address, session, error, now);
    this.#lookAtOwnPast(now);
  }

  /** A request came on a stream that a peer opened. Throws what the stream is to end with. */
  requested(stream: number, request: SyncRequest, now: Now): void {
    this.#outlets.requested(stream, request, now);
  }

  /** A stream that a peer opened is gone. */
  ended(stream: number): void {
    this.#outlets.ended(stream);
  }

  /**
   * Round trip from this gateway's region to another, in ms: what it measures itself, else
   * what a sibling does; undefined when nobody has a stream from there.
   */
  rttMs(region: string): number | undefined {
    const own = this.#measuredRttMs(region);
    if (own !== undefined) return own;
    const siblings = [...this.streams].filter(({ region: of }) => of === this.#input.region);
    return least(siblings.map(({ standings }) => standings.get(region)?.rttMs));
  }

  /** Round trip to the region's nearest gateway that this one has a stream from. */
  #measuredRttMs(region: string): number | undefined {
    const addresses = this.#addresses.of(region);
    return least(addresses.map((address) => this.links.get(address)?.rttMs));
  }

  /** A stream's transport takes no more for now, or does again. */
  setBlocked(stream: number, isBlocked: boolean): void {
    this.#outlets.setBlocked(stream, isBlocked);
  }

  /** This region's own fold has moved a section of the state. */
  published(section: Section): void {
    this.#incarnation = section.version.incarnation;
    this.book.moved(section);
    this.#outlets.moved(section.id, section.version, undefined);
  }

  /**
   * This region's own source has confirmed a revision: all that was acknowledged
   * before `asOfMs`, on the age clock, is in what was published.
   */
  confirmed(incarnation: Incarnation, revision: number, asOfMs: number): void {
    const { region } = this.#input;
    this.#incarnation = incarnation;
    const { sections } = holdingOf(this.#input.state.region(region));
    this.book.sight({ region, incarnation, revision, sections, asOfMs, path: [region] });
  }

  /** This region's own report is new. */
  reported(report: RegionReport): void {
    const { reports, state } = this.#input;
    if (!reports.join(report)) return;
    const frame = encodeReportFrame(report, (bytes) => state.signReport(bytes));
    this.#outlets.reported(report, frame);
  }

  /** Takes an operator's order; tells whether it is news, or why it isn't an operator's. */
  obey(order: Order): ReturnType<GlobalState["obey"]> {
    return this.#intake.obey(order);
  }

  /** To be called every MESH_TICK_MS: plans, pings, vectors, repairs. */
  tick(now: Now): void {
    this.book.dropBrokenWays(now);
    const plan = this.#planner.plan(now);
    this.#ownPast.want(plan);
    this.#inlets.follow(plan, now);
    this.#lookAtOwnPast(now);
    this.#inlets.ping(now);
    for (const { region, link } of this.#repair.due(this.streams, this.#input.region, now)) {
      if (!this.#inlets.pull(link, region, [], now)) continue;
      const event = { kind: "repair", region, from: link.address, reason: "behind" } as const;
      this.#outputs.push({ kind: "event", event });
    }
    if (now.monotonicMs < this.#nextVectorMs) return;
    // From the first on, so that peers which began together don't all tell at once.
    const pause = this.#nextVectorMs === Number.NEGATIVE_INFINITY ? this.#input.random.next() : 1;
    this.#nextVectorMs = now.monotonicMs + pause * MESH_VECTOR_INTERVAL_MS;
    this.#outlets.announce(now);
  }

  /** What is to be done now, in order: at most one frame a stream. Empty when nothing is. */
  take(now: Now): MeshOutput[] {
    this.#outlets.pump(now);
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** When frames are due next, on the monotonic clock; Infinity when none are. */
  dueMs(): number {
    return this.#outlets.dueMs();
  }

  #lookAtOwnPast(now: Now): void {
    if (!this.#ownPast.ends(now)) return;
    this.#outputs.push({ kind: "event", event: { kind: "own-past" } });
  }
}

function least(values: readonly (number | undefined)[]): number | undefined {
  let result: number | undefined;
  for (const value of values) {
    if (value !== undefined) result = Math.min(result ?? value, value);
  }
  return result;
}
