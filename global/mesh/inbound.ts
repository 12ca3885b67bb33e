import { Deferred } from "../../shared/deferred.js";
import type { AtollError } from "../../shared/errors.js";
import type {
  MeshService,
  SyncRequest,
  SyncResponse,
} from "../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import type { Sink } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";

/** What the streams that peers open tell the mesh. */
export interface InboundEvents {
  /** Throws what the stream is to end with. */
  requested(stream: number, request: SyncRequest): void;
  ended(stream: number): void;
  setBlocked(stream: number, isBlocked: boolean): void;
}

interface Open {
  readonly sink: Sink<SyncResponse>;
  readonly end: Deferred<void>;
}

/** The streams that peers have opened to this gateway: frames go out on them. */
export class Inbound {
  readonly handlers: Handlers<typeof MeshService>;
  readonly #events: InboundEvents;
  readonly #open = new Map<number, Open>();
  #lastStream = 0;

  constructor(events: InboundEvents) {
    this.#events = events;
    this.handlers = { sync: (requests, sink) => this.#serve(requests, sink) };
  }

  async #serve(requests: AsyncIterable<SyncRequest>, sink: Sink<SyncResponse>): Promise<void> {
    const stream = ++this.#lastStream;
    const end = new Deferred<void>();
    this.#open.set(stream, { sink, end });
    const reading = (async () => {
      for await (const request of requests) this.#events.requested(stream, request);
    })();
    // When the mesh ends the stream first, what still happens to its reading is of no interest.
    reading.catch(() => {});
    try {
      await Promise.race([reading, end.promise]);
    } finally {
      this.#open.delete(stream);
      this.#events.ended(stream);
    }
  }

  /** Sends an encoded frame. One to a stream that is gone is dropped; the core learns of that apart. */
  send(stream: number, bytes: Uint8Array): void {
    const open = this.#open.get(stream);
    if (open === undefined || open.sink.send(bytes)) return;
    this.#events.setBlocked(stream, true);
    void open.sink.drained().then(() => this.#events.setBlocked(stream, false));
  }

  end(stream: number, error: AtollError): void {
    this.#open.get(stream)?.end.reject(error);
  }

  /** Ends all streams. */
  close(error: AtollError): void {
    for (const stream of [...this.#open.keys()]) this.end(stream, error);
  }
}
