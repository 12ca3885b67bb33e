import { create, toBinary } from "@bufbuild/protobuf";
import { AtollError } from "../../../shared/errors.js";
import { type SyncRequest, SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_PULLS_PER_REQUEST,
  MAX_REGIONS,
  MAX_SECTIONS_PER_REGION,
  MESH_LINK_DEAD_MS,
  MESH_LINK_SUSPECT_MS,
  MESH_REMIND_INTERVAL_MS,
  MESH_VECTOR_CLAIMS,
} from "../../../shared/limits.js";
import type { Random } from "../../../shared/random.js";
import type { Attestation } from "../../digest/attestation.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { RegionReport, ReportBook } from "../../digest/report.js";
import type { SectionId } from "../../digest/section.js";
import type { Version } from "../../digest/version.js";
import { list, regionName, summaryName } from "../../digest/wire-check.js";
import { encodeAttestation, encodeOrder } from "../../digest/wire-trust.js";
import { decodeClaims, encodeClaim } from "../../digest/wire-version.js";
import type { AddressBook } from "./address-book.js";
import { Agenda } from "./agenda.js";
import { decodeHello, encodeHello, type PeerHello, type SelfHello } from "./hello.js";
import { joinedParts } from "./joined-parts.js";
import type { Now } from "./now.js";
import { Outbox } from "./outbox.js";
import type { MeshOutput } from "./output.js";
import type { RegionBook } from "./region-book.js";
import type { Standing } from "./standing.js";

/** One stream that a peer opened. */
interface Stream {
  readonly id: number;
  readonly hello: PeerHello;
  readonly outbox: Outbox;
  heardMs: number;
  /** Revisions that were announced on it, by region. */
  readonly announced: Map<string, number>;
  /** What was last sent of the peer's own region, and when. */
  reminded: Attestation | undefined;
  remindedMs: number;
}

export interface OutletsInput {
  readonly self: () => SelfHello;
  readonly state: GlobalState;
  readonly reports: ReportBook;
  readonly book: RegionBook;
  readonly addresses: AddressBook;
  readonly random: Random;
  /** Shortest time between two pushes on one stream. */
  readonly pushIntervalMs: number;
  readonly emit: (output: MeshOutput) => void;
}

/** The sender's half: all streams on which peers get sections from this gateway. */
export class Outlets {
  readonly #input: OutletsInput;
  readonly #streams = new Map<number, Stream>();
  /** Streams by their gateway's region and name. */
  readonly #byPeer = new Map<string, Stream>();
  /** Streams by the regions that are pushed on them. */
  readonly #byRegion = new Map<string, Set<Stream>>();
  /** Streams that may have something to send. */
  readonly #agenda = new Agenda<Stream>();
  /** What tells of reports, as their regions have signed it. */
  readonly #reportFrames = new WeakMap<RegionReport, Uint8Array>();

  constructor(input: OutletsInput) {
    this.#input = input;
  }

  /** Open streams. */
  get size(): number {
    return this.#streams.size;
  }

  /** Who listens. */
  peers(): PeerHello[] {
    return [...this.#streams.values()].map(({ hello }) => hello);
  }

  /**
   * Takes a request on a stream; the first opens it. Throws an AtollError that the
   * stream is to end with.
   */
  requested(id: number, request: SyncRequest, now: Now): void {
    let stream = this.#streams.get(id);
    if (stream === undefined) stream = this.#open(id, request, now);
    else if (request.hello !== undefined) {
      throw new AtollError("INVALID_ARGUMENT", "hello: it was said before on this stream");
    }
    stream.heardMs = now.monotonicMs;
    this.#look(stream);
    const { outbox } = stream;
    if (request.interest !== undefined) {
      const { regions, held } = request.interest;
      list(regions, MAX_REGIONS, "interest.regions");
      const names = regions.map((name, i) => regionName(name, `interest.regions[${i}]`));
      const before = outbox.interest;
      const claims = decodeClaims(held, "interest.held");
      this.#unlist(stream);
      outbox.setInterest(new Set(names), claims);
      for (const region of names) {
        this.#list(stream, region);
        if (!before.has(region)) this.#encloseReport(stream, region);
      }
    }
    list(request.pulls, MAX_PULLS_PER_REQUEST, "pulls").forEach((pull, i) => {
      const region = regionName(pull.region, `pulls[${i}].region`);
      list(pull.summaries, MAX_SECTIONS_PER_REGION, `pulls[${i}].summaries`);
      const names = pull.summaries.map((name, j) =>
        summaryName(name, `pulls[${i}].summaries[${j}]`),
      );
      outbox.pull(region, new Set(names), decodeClaims(pull.held, `pulls[${i}].held`));
    });
    if (request.ping !== undefined) {
      const { stampMs } = request.ping;
      if (!Number.isFinite(stampMs)) {
        throw new AtollError("INVALID_ARGUMENT", `ping.stamp_ms: ${stampMs} is not finite`);
      }
      outbox.pinged(stampMs);
    }
  }

  /** The stream is gone. */
  ended(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    this.#unlist(stream);
    if (this.#byPeer.get(peerKey(stream.hello)) === stream) {
      this.#byPeer.delete(peerKey(stream.hello));
    }
    const { region, gateway } = stream.hello;
    this.#input.emit({ kind: "event", event: { kind: "stream-end", stream: id, region, gateway } });
  }

  /** Whether the transport takes frames of a stream. */
  setBlocked(id: number, isBlocked: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.outbox.blocked = isBlocked;
    this.#look(stream);
  }

  /** A section moved; `from` is who brought it. */
  moved(id: SectionId, version: Version, from: PeerHello | undefined): void {
    if (from !== undefined) this.#byPeer.get(peerKey(from))?.outbox.holds(id, version);
    for (const stream of this.#byRegion.get(id.region) ?? []) {
      stream.outbox.moved(id);
      this.#look(stream);
    }
  }

  /** A region's report is new; `frame` is what tells others of it. */
  reported(report: RegionReport, frame: Uint8Array): void {
    const { region } = report;
    this.#reportFrames.set(report, frame);
    for (const stream of this.#byRegion.get(region) ?? []) {
      this.#encloseReport(stream, region);
      this.#look(stream);
    }
  }

  /** News that concern everybody: conflicts and operators' orders. */
  alarm(): void {
    const alarms = this.#alarms();
    for (const stream of this.#streams.values()) {
      encloseAll(stream.outbox, alarms);
      this.#look(stream);
    }
  }

  /**
   * A round of version vectors: on each stream what changed since the last one, on one
   * picked at random everything, with roots. Ends streams that fell silent.
   */
  announce(now: Now): void {
    for (const stream of this.#streams.values()) {
      if (now.monotonicMs - stream.heardMs < MESH_LINK_DEAD_MS) continue;
      const error = new AtollError("DEADLINE_EXCEEDED", "no ping came for too long");
      this.#input.emit({ kind: "end-stream", stream: stream.id, error });
      this.ended(stream.id);
    }
    if (this.#streams.size === 0) return;
    const standings = this.#standings(now);
    for (const stream of this.#streams.values()) {
      const { outbox, announced } = stream;
      this.#remind(stream, now);
      const news: string[] = [];
      for (const { region, revision } of standings) {
        if (outbox.interest.has(region) || announced.get(region) === revision) continue;
        if (!this.#input.addresses.trees.tells(stream.hello.region, region)) continue;
        announced.set(region, revision);
        news.push(region);
      }
      outbox.announce(news);
      this.#look(stream);
    }
    this.#input.random.pick([...this.#streams.values()]).outbox.enclose("vector", this.#vector());
  }

  /** Emits a frame of every stream for which one is due. */
  pump(now: Now): void {
    for (const stream of this.#agenda.take(now.monotonicMs)) {
      const { id, outbox } = stream;
      if (this.#streams.get(id) !== stream) continue;
      const bytes = outbox.frame(now);
      if (bytes !== undefined) this.#input.emit({ kind: "frame", stream: id, bytes });
      this.#agenda.note(stream, outbox.dueMs());
    }
  }

  /** When the next frame is due, on the monotonic clock. */
  dueMs(): number {
    return this.#agenda.nextMs();
  }

  /** A stream may have something to send now. */
  #look(stream: Stream): void {
    this.#agenda.note(stream, Number.NEGATIVE_INFINITY);
  }

  #list(stream: Stream, region: string): void {
    const streams = this.#byRegion.get(region);
    if (streams === undefined) this.#byRegion.set(region, new Set([stream]));
    else streams.add(stream);
  }

  #unlist(stream: Stream): void {
    for (const region of stream.outbox.interest) {
      const streams = this.#byRegion.get(region);
      streams?.delete(stream);
      if (streams?.size === 0) this.#byRegion.delete(region);
    }
  }

  #open(id: number, request: SyncRequest, now: Now): Stream {
    if (request.hello === undefined) {
      throw new AtollError("INVALID_ARGUMENT", "hello: the first message must have one");
    }
    const hello = decodeHello(request.hello);
    const before = this.#byPeer.get(peerKey(hello));
    // One that still pings is kept: who says its name now may be another.
    if (before !== undefined && now.monotonicMs - before.heardMs >= MESH_LINK_SUSPECT_MS) {
      const error = new AtollError("ABORTED", "the same gateway opened a later stream");
      this.#input.emit({ kind: "end-stream", stream: before.id, error });
      this.ended(before.id);
    }
    const { state, book } = this.#input;
    const outbox = new Outbox({
      state,
      standing: (region, at) => book.standing(region, at.ageMs),
      pushIntervalMs: this.#input.pushIntervalMs,
    });
    const stream: Stream = {
      id,
      hello,
      outbox,
      heardMs: now.monotonicMs,
      announced: new Map(),
      reminded: undefined,
      remindedMs: Number.NEGATIVE_INFINITY,
    };
    this.#streams.set(id, stream);
    this.#byPeer.set(peerKey(hello), stream);
    const answer = create(SyncResponseSchema, { hello: encodeHello(this.#input.self()) });
    outbox.enclose("hello", toBinary(SyncResponseSchema, answer));
    encloseAll(outbox, this.#alarms());
    this.#remind(stream, now);
    const { region, gateway } = hello;
    this.#input.emit({
      kind: "event",
      event: { kind: "stream-open", stream: id, region, gateway },
    });
    return stream;
  }

  #standings(now: Now): Standing[] {
    const standings: Standing[] = [];
    for (const region of this.#input.book.regions()) {
      const standing = this.#input.book.standing(region, now.ageMs);
      if (standing !== undefined) standings.push(standing);
    }
    return standings;
  }

  /** All that is held with versions and roots; of very much, a part that differs each time. */
  #vector(): Uint8Array {
    const all = this.#input.state.claims();
    const first =
      all.length > MESH_VECTOR_CLAIMS ? this.#input.random.int(all.length - MESH_VECTOR_CLAIMS) : 0;
    const some = all.slice(first, first + MESH_VECTOR_CLAIMS).map(encodeClaim);
    return joinedParts(some.map((claim) => ({ claims: [claim] })))[0] ?? new Uint8Array(0);
  }

  #encloseReport(stream: Stream, region: string): void {
    const report = this.#input.reports.get(region);
    const encoded = report && this.#reportFrames.get(report);
    if (encoded !== undefined) stream.outbox.enclose(`report of ${region}`, encoded);
  }

  /**
   * Tells a peer how far its own region has been: a gateway that has just started, or that
   * reads a store which went back, can't know that by itself.
   */
  #remind(stream: Stream, now: Now): void {
    if (now.monotonicMs - stream.remindedMs < MESH_REMIND_INTERVAL_MS) return;
    const word = this.#input.state.words.newest(stream.hello.region);
    if (word === undefined || word === stream.reminded) return;
    stream.reminded = word;
    stream.remindedMs = now.monotonicMs;
    const message = create(SyncResponseSchema, { attestations: [encodeAttestation(word)] });
    stream.outbox.enclose("own region", toBinary(SyncResponseSchema, message));
  }

  #alarms(): Uint8Array[] {
    const { state } = this.#input;
    const words = [...state.words.evidence()].map(encodeAttestation);
    return joinedParts([
      ...words.map((word) => ({ attestations: [word] })),
      ...[...state.orders()].map((order) => ({ orders: [encodeOrder(order)] })),
    ]);
  }
}

function encloseAll(outbox: Outbox, alarms: readonly Uint8Array[]): void {
  alarms.forEach((encoded, index) => outbox.enclose(`alarms ${index}`, encoded));
}

function peerKey({ region, gateway }: { region: string; gateway: string }): string {
  return `${region}/${gateway}`;
}
