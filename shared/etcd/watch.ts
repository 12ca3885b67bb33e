import { AtollError } from "../errors.js";
import { Watch, type WatchResponse } from "../gen/etcd/etcdserverpb/rpc_pb.js";
import { type Event, Event_EventType } from "../gen/etcd/mvccpb/kv_pb.js";
import type { ClientStream } from "../rpc/client-stream.js";
import type { EtcdClient } from "./client.js";
import {
  type AnswerHeader,
  type Bytes,
  fromWire,
  headerOf,
  type KeyValue,
  toBytes,
} from "./key-value.js";

/** What to watch. */
export interface WatchQuery {
  readonly key: Bytes;
  /** First key that is not watched any more; without it only `key` is. */
  readonly end?: Bytes;
  /** First revision wanted; 0 for only what comes next. */
  readonly startRevision?: number;
}

/** One change. A deletion's `kv` has key and mod revision only. */
export interface WatchEvent {
  readonly type: "put" | "delete";
  readonly kv: KeyValue;
}

/** One message of a watch stream, with numbers instead of the wire's bigints. */
export interface WatchMessage {
  readonly header: AnswerHeader;
  /** The server has begun to watch; the first message. */
  readonly created: boolean;
  /** The rest of this revision comes in the next message. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
  /**
   * An answer to `requestProgress`, which speaks for the stream and not for the
   * watcher: its revision may run ahead of events (see source/progress.ts).
   */
  readonly forStream: boolean;
}

/** The server's words when a member doesn't hear of a leader: it ends such a stream. */
const REQUIRE_LEADER = { hasleader: "true" };

/**
 * One watcher on a stream of its own, at the client's current endpoint. Iterating
 * gives its messages. Throws OUT_OF_RANGE with detail `compactRevision` when the
 * start is compacted away, CANCELLED with the server's reason when it ends the
 * watcher (PERMISSION_DENIED when that is the reason), UNAVAILABLE when the stream breaks or ends.
 */
export class EtcdWatch implements AsyncIterable<WatchMessage> {
  readonly endpoint: string;
  readonly #stream: ClientStream<typeof Watch.method.watch.input, typeof Watch.method.watch.output>;

  constructor(client: EtcdClient, query: WatchQuery, signal?: AbortSignal) {
    this.endpoint = client.currentEndpoint;
    this.#stream = client.currentChannel().bidi(Watch.method.watch, {
      headers: { ...client.headers, ...REQUIRE_LEADER },
      ...(signal === undefined ? {} : { signal }),
    });
    this.#stream.send({
      requestUnion: {
        case: "createRequest",
        value: {
          key: toBytes(query.key),
          rangeEnd: query.end === undefined ? new Uint8Array(0) : toBytes(query.end),
          startRevision: BigInt(query.startRevision ?? 0),
          progressNotify: true,
          fragment: true,
        },
      },
    });
  }

  /** Asks the server to say how far the stream is. */
  requestProgress(): void {
    this.#stream.send({ requestUnion: { case: "progressRequest", value: {} } });
  }

  /** Ends the stream. */
  cancel(): void {
    this.#stream.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchMessage> {
    for await (const response of this.#stream) {
      this.#check(response);
      yield {
        header: headerOf(response.header),
        created: response.created,
        fragment: response.fragment,
        forStream: response.watchId < 0n,
        events: response.events.map((event) => this.#event(event)),
      };
    }
    throw new AtollError("UNAVAILABLE", `${this.endpoint} ended the watch stream`, {
      details: { target: this.endpoint },
    });
  }

  #event(event: Event): WatchEvent {
    if (event.kv === undefined) {
      throw new AtollError("DATA_LOSS", `${this.endpoint} sent an event without a key`, {
        details: { target: this.endpoint },
      });
    }
    return {
      type: event.type === Event_EventType.DELETE ? "delete" : "put",
      kv: fromWire(event.kv),
    };
  }

  #check(response: WatchResponse): void {
    if (response.compactRevision > 0n) {
      throw new AtollError(
        "OUT_OF_RANGE",
        "etcdserver: mvcc: required revision has been compacted",
        {
          details: {
            target: this.endpoint,
            compactRevision: Number(response.compactRevision),
          },
        },
      );
    }
    if (response.canceled) {
      const reason = response.cancelReason || "no reason given";
      throw new AtollError(
        /permission denied/i.test(reason) ? "PERMISSION_DENIED" : "CANCELLED",
        `${this.endpoint} cancelled the watcher: ${reason}`,
        { details: { target: this.endpoint } },
      );
    }
  }
}
