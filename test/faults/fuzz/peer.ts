import { ReportBook } from "../../../global/digest/report.js";
import type { Section } from "../../../global/digest/section.js";
import { AgeClock } from "../../../global/mesh/age-clock.js";
import { MeshCore } from "../../../global/mesh/core/mesh-core.js";
import { FrameDeflater } from "../../../global/mesh/deflate.js";
import { FOLD_SEMANTICS } from "../../../global/summary/types.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import { systemClock } from "../../../shared/clock.js";
import { Deferred } from "../../../shared/deferred.js";
import {
  MeshService,
  type SyncRequest,
  type SyncResponse,
} from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { seededRandom } from "../../../shared/random.js";
import type { Sink } from "../../../shared/rpc/context.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import type { Origin } from "./origin.js";

const TICK_MS = 50;
/** Addresses at which a region can be dialled, so that one that failed needn't be waited for. */
const ADDRESSES = 6;

/** What a peer does to a frame of its own before it is deflated; more or fewer may come of it. */
export type Tamper = (frame: Uint8Array, isFirst: boolean) => readonly Uint8Array[];

interface Stream {
  readonly id: number;
  readonly sink: Sink<SyncResponse>;
  readonly deflater: FrameDeflater;
  readonly end: Deferred<void>;
  isFirst: boolean;
  pings: number;
  /** Resolves when all that was to be sent is with the transport. */
  sent: Promise<void>;
}

/**
 * A region's gateway in the test's own process: the real core of the mesh, real streams,
 * the real deflating. It does as it should until it is told to tamper with its frames, or
 * to say something else.
 */
export class Peer {
  readonly origin: Origin;
  /** Where it can be dialled: the same peer everywhere. */
  readonly addresses: string[] = [];
  /** What it does to its own frames; undefined when it is honest. */
  tamper: Tamper | undefined;
  /** Regions that were asked for on its streams. */
  readonly asked = new Set<string>();
  /** Says nothing of its own accord; what is injected goes out. */
  isPaused = false;
  readonly #servers: RpcServer[] = [];
  readonly #clock = new AgeClock(systemClock);
  readonly #core: MeshCore;
  readonly #streams = new Map<number, Stream>();
  #ticker: NodeJS.Timeout | undefined;
  #lastStream = 0;

  private constructor(origin: Origin) {
    this.origin = origin;
    const { region, state } = origin;
    this.#core = new MeshCore({
      region,
      gateway: `${region}-g0`,
      foldSemantics: FOLD_SEMANTICS,
      directory: new Map([[region, []]]),
      state,
      freshness: new FreshnessBook(state),
      reports: new ReportBook(),
      random: seededRandom(1),
    });
  }

  static async start(origin: Origin): Promise<Peer> {
    const peer = new Peer(origin);
    for (let i = 0; i < ADDRESSES; i++) {
      const server = new RpcServer({ observe: undefined, report: () => {} });
      server.add(MeshService, { sync: (requests, sink) => peer.#serve(requests, sink) });
      peer.addresses.push(`127.0.0.1:${await server.listen("127.0.0.1:0")}`);
      peer.#servers.push(server);
    }
    peer.#ticker = setInterval(() => peer.#tick(), TICK_MS);
    return peer;
  }

  /** Streams that gateways have open to it. */
  get listeners(): number {
    return this.#streams.size;
  }

  /** Pings that came on the newest stream. */
  get pings(): number {
    return [...this.#streams.values()].at(-1)?.pings ?? 0;
  }

  async #serve(requests: AsyncIterable<SyncRequest>, sink: Sink<SyncResponse>): Promise<void> {
    const id = ++this.#lastStream;
    const end = new Deferred<void>();
    const stream: Stream = {
      id,
      sink,
      deflater: new FrameDeflater(),
      end,
      isFirst: true,
      pings: 0,
      sent: Promise.resolve(),
    };
    this.#streams.set(id, stream);
    const read = async (): Promise<void> => {
      for await (const request of requests) {
        if (!this.#streams.has(id)) return;
        if (request.ping !== undefined) stream.pings++;
        for (const region of request.interest?.regions ?? []) this.asked.add(region);
        for (const { region } of request.pulls) this.asked.add(region);
        this.#core.requested(id, request, this.#clock.now());
        this.#carryOut();
      }
    };
    await Promise.race([read().catch(() => {}), end.promise]);
    this.#streams.delete(id);
    this.#core.ended(id);
    await stream.sent;
    stream.deflater.close();
  }

  #tick(): void {
    this.#core.tick(this.#clock.now());
    const { incarnation, revision } = this.origin;
    this.#core.confirmed(incarnation, revision, this.#clock.now().ageMs);
    this.#carryOut();
  }

  #carryOut(): void {
    if (this.isPaused) return;
    for (const output of this.#core.take(this.#clock.now())) {
      if (output.kind !== "frame") continue;
      const stream = this.#streams.get(output.stream);
      if (stream === undefined) continue;
      const { isFirst } = stream;
      stream.isFirst = false;
      for (const frame of this.tamper?.(output.bytes, isFirst) ?? [output.bytes]) {
        this.#send(stream, frame, true);
      }
    }
  }

  #send(stream: Stream, frame: Uint8Array, isDeflated: boolean): void {
    stream.sent = stream.sent
      .then(async () => {
        if (!this.#streams.has(stream.id)) return;
        const bytes = isDeflated ? await stream.deflater.pack(frame) : frame;
        if (!stream.sink.send(bytes)) await stream.sink.drained();
      })
      .catch(() => {});
  }

  /** Its region has written: what moved is told as news are. */
  moved(sections: readonly Section[]): void {
    for (const section of sections) this.#core.published(section);
    this.#carryOut();
  }

  /** Says something on all streams, deflated as frames are, or byte for byte. */
  async inject(frames: readonly Uint8Array[], isDeflated = true): Promise<void> {
    const streams = [...this.#streams.values()];
    for (const stream of streams) for (const frame of frames) this.#send(stream, frame, isDeflated);
    await Promise.all(streams.map(({ sent }) => sent));
  }

  /** Ends all streams, as a restart does. */
  hangUp(): void {
    for (const [id, stream] of this.#streams) {
      this.#streams.delete(id);
      stream.end.resolve();
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.hangUp();
    await Promise.all(this.#servers.map((server) => server.stop(0)));
  }
}
