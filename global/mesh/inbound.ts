import { Deferred } from "../../shared/deferred.js";
import { AtollError, errorText } from "../../shared/errors.js";
import type {
  MeshService,
  SyncRequest,
  SyncResponse,
} from "../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_MESH_STREAMS,
  MESH_HELLO_TIMEOUT_MS,
  MESH_REQUEST_BURST_MS,
  MESH_REQUEST_COST_MS,
} from "../../shared/limits.js";
import type { Sink } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import { FrameDeflater } from "./deflate.js";
import { Pace } from "./pace.js";

const LIMITS = { messageMs: MESH_REQUEST_COST_MS, burstMs: MESH_REQUEST_BURST_MS };

/** What the streams that peers open tell the mesh. */
export interface InboundEvents {
  /** Throws what the stream is to end with. */
  requested(stream: number, request: SyncRequest): void;
  ended(stream: number): void;
  setBlocked(stream: number, isBlocked: boolean): void;
  /** A frame of that many bytes, as they are on the wire, was sent. */
  sent(bytes: number): void;
}

interface Open {
  readonly sink: Sink<SyncResponse>;
  readonly end: Deferred<void>;
  readonly deflater: FrameDeflater;
  /** Frames that are being deflated, or wait for that or for the transport. */
  waiting: number;
  /** Resolves when all of them have gone. */
  gone: Promise<void>;
}

/** The streams that peers have opened to this gateway: frames go out on them. */
export class Inbound {
  readonly handlers: Handlers<typeof MeshService>;
  readonly #events: InboundEvents;
  readonly #helloTimeoutMs: number;
  readonly #open = new Map<number, Open>();
  #lastStream = 0;
  #closedWith: AtollError | undefined;

  constructor(events: InboundEvents, helloTimeoutMs: number = MESH_HELLO_TIMEOUT_MS) {
    this.#events = events;
    this.#helloTimeoutMs = helloTimeoutMs;
    this.handlers = { sync: (requests, sink) => this.#serve(requests, sink) };
  }

  async #serve(requests: AsyncIterable<SyncRequest>, sink: Sink<SyncResponse>): Promise<void> {
    if (this.#closedWith !== undefined) throw this.#closedWith;
    if (this.#open.size >= MAX_MESH_STREAMS) {
      const message = `this gateway serves ${MAX_MESH_STREAMS} streams already`;
      throw new AtollError("RESOURCE_EXHAUSTED", message);
    }
    const stream = ++this.#lastStream;
    const end = new Deferred<void>();
    const deflater = new FrameDeflater();
    this.#open.set(stream, { sink, end, deflater, waiting: 0, gone: Promise.resolve() });
    const silence = setTimeout(() => {
      const message = `no hello came in ${this.#helloTimeoutMs} ms`;
      end.reject(new AtollError("DEADLINE_EXCEEDED", message));
    }, this.#helloTimeoutMs);
    const reading = this.#read(stream, requests, silence);
    // When the mesh ends the stream first, what still happens to its reading is of no interest.
    reading.catch(() => {});
    try {
      await Promise.race([reading, end.promise]);
    } finally {
      clearTimeout(silence);
      deflater.close();
      this.#open.delete(stream);
      this.#events.ended(stream);
    }
  }

  async #read(
    stream: number,
    requests: AsyncIterable<SyncRequest>,
    silence: NodeJS.Timeout,
  ): Promise<void> {
    const pace = new Pace(LIMITS, performance.now());
    for await (const request of requests) {
      // What comes after the mesh has ended the stream must not open it again.
      if (!this.#open.has(stream)) return;
      clearTimeout(silence);
      const beganMs = performance.now();
      this.#events.requested(stream, request);
      const nowMs = performance.now();
      // What isn't read would gather here: grpc-js doesn't hold callers back.
      if (pace.taken(nowMs - beganMs, nowMs) > 0) {
        throw new AtollError("RESOURCE_EXHAUSTED", "more requests than a receiver may send");
      }
    }
  }

  /**
   * Sends an encoded frame. The stream is blocked until it is deflated and the transport
   * takes more. One to a stream that is gone is dropped; the core learns of that apart.
   */
  send(stream: number, bytes: Uint8Array): void {
    const open = this.#open.get(stream);
    if (open === undefined) return;
    if (open.waiting++ === 0) this.#events.setBlocked(stream, true);
    open.gone = open.gone
      .then(() => this.#carry(stream, open, bytes))
      .catch((error) => this.end(stream, new AtollError("INTERNAL", errorText(error))));
  }

  async #carry(stream: number, open: Open, bytes: Uint8Array): Promise<void> {
    const packed = await open.deflater.pack(bytes);
    if (this.#open.get(stream) !== open) return;
    this.#events.sent(packed.length);
    if (!open.sink.send(packed)) await open.sink.drained();
    open.waiting--;
    if (open.waiting === 0 && this.#open.get(stream) === open) {
      this.#events.setBlocked(stream, false);
    }
  }

  /** Ends a stream; frames to it are dropped from now on. */
  end(stream: number, error: AtollError): void {
    const open = this.#open.get(stream);
    this.#open.delete(stream);
    open?.end.reject(error);
  }

  /** Ends all streams, and each that is opened later. */
  close(error: AtollError): void {
    this.#closedWith = error;
    for (const stream of [...this.#open.keys()]) this.end(stream, error);
  }
}
