import { toBinaryKey } from "../../shared/bytes.js";
import {
  WatchCreateRequest_FilterType as FilterType,
  type Watch,
  type WatchCreateRequest,
  type WatchRequest,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { MAX_WATCHERS_PER_STREAM } from "../../shared/limits.js";
import type { CallContext, Sink } from "../../shared/rpc/context.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { RegionalNode } from "../node.js";
import { ETCD_ERRORS, type EtcdError } from "../store/etcd-errors.js";
import type { WatchOptions, WatchStream } from "../watch/hub.js";
import type { LeaderWatchdog } from "./leader-watchdog.js";
import { ResponseHeaders } from "./response-header.js";
import { streamEnd } from "./stream-end.js";
import { NO_WATCH_ID, WatchAnswers } from "./watch-answers.js";

function optionsOf(request: WatchCreateRequest): WatchOptions {
  return {
    key: toBinaryKey(request.key),
    rangeEnd: toBinaryKey(request.rangeEnd),
    // Beyond the safe integers lies no revision; the hub waits for it as for any future one.
    startRevision: Number(request.startRevision),
    noPut: request.filters.includes(FilterType.NOPUT),
    noDelete: request.filters.includes(FilterType.NODELETE),
    prevKv: request.prevKv,
    progressNotify: request.progressNotify,
    fragment: request.fragment,
    watchId: request.watchId,
  };
}

/** One Watch call: requests in, the hub's events out. */
class WatchCall {
  readonly #node: RegionalNode;
  readonly #sink: Sink<never>;
  readonly #answers: WatchAnswers;
  readonly #stream: WatchStream;
  #isDraining = false;

  constructor(node: RegionalNode, headers: ResponseHeaders, sink: Sink<never>) {
    this.#node = node;
    this.#sink = sink;
    this.#answers = new WatchAnswers(headers, sink, () => this.#awaitDrain());
    this.#stream = node.watches.open(this.#answers);
  }

  #awaitDrain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    void this.#sink.drained().then(() => {
      this.#isDraining = false;
      this.#stream.drained();
    });
  }

  /** Serves requests until the client has no more; a slow client's are not even read. */
  async serve(requests: AsyncIterable<WatchRequest>): Promise<void> {
    for await (const { requestUnion } of requests) {
      switch (requestUnion.case) {
        case "createRequest":
          this.#create(requestUnion.value);
          break;
        case "cancelRequest":
          this.#cancel(requestUnion.value.watchId);
          break;
        case "progressRequest":
          this.#stream.requestProgress();
          break;
        case undefined: // etcd takes no offence at it either
          break;
      }
      if (this.#isDraining) await this.#sink.drained();
    }
  }

  #create(request: WatchCreateRequest): void {
    const failure = this.#refusal(request);
    if (failure === undefined) {
      this.#answers.created(this.#stream.create(optionsOf(request)));
      return;
    }
    const revision = this.#node.state.currentRevision;
    this.#answers.created({ watchId: NO_WATCH_ID, revision, failure: failure.message });
  }

  #refusal({ startRevision }: WatchCreateRequest): EtcdError | undefined {
    if (startRevision < 0n) return ETCD_ERRORS.compacted;
    return this.#stream.size >= MAX_WATCHERS_PER_STREAM ? ETCD_ERRORS.tooManyRequests : undefined;
  }

  #cancel(watchId: bigint): void {
    if (!this.#stream.cancel(watchId)) return;
    this.#answers.canceled(watchId, this.#node.state.currentRevision);
  }

  close(): void {
    this.#stream.close();
  }
}

/** etcd's Watch service (etcd `server/etcdserver/api/v3rpc/watch.go`). */
export function watchHandlers(
  node: RegionalNode,
  watchdog: LeaderWatchdog,
): Handlers<typeof Watch> {
  const headers = new ResponseHeaders(node);
  return {
    watch: async (
      requests: AsyncIterable<WatchRequest>,
      sink: Sink<never>,
      context: CallContext,
    ) => {
      const end = streamEnd(node, watchdog, context);
      const call = new WatchCall(node, headers, sink);
      try {
        // A client that has asked for all it wants may close its side; events go on.
        const served = call.serve(requests).then(() => end.ended);
        await Promise.race([served, end.ended]);
      } finally {
        call.close();
        end.release();
      }
    },
  };
}
