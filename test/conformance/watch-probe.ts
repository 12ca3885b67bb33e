import { type MessageInitShape, toJson } from "@bufbuild/protobuf";
import {
  Watch,
  type WatchCreateRequestSchema,
  type WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { RpcClient } from "../../shared/rpc/client.js";
import type { ClientStream } from "../../shared/rpc/client-stream.js";

type Json = ReturnType<typeof toJson>;

/** What one watcher was told: control answers, and events without the limits of messages. */
interface Told {
  readonly control: Json[];
  readonly events: Json[];
}

/** A stream of watches that remembers what it was told. */
export class WatchProbe {
  readonly #stream: ClientStream<typeof WatchRequestSchema, typeof WatchResponseSchema>;
  readonly #responses: WatchResponse[] = [];
  #changed = (): void => {};
  #failure: unknown;

  constructor(client: RpcClient) {
    this.#stream = client.bidi(Watch.method.watch);
    void this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for await (const response of this.#stream) {
        this.#responses.push(response);
        this.#changed();
      }
      this.#failure = new Error("the server ended the stream");
    } catch (error) {
      this.#failure = error;
    }
    this.#changed();
  }

  create(request: MessageInitShape<typeof WatchCreateRequestSchema>): void {
    this.#stream.send({ requestUnion: { case: "createRequest", value: request } });
  }

  cancel(watchId: number): void {
    const value = { watchId: BigInt(watchId) };
    this.#stream.send({ requestUnion: { case: "cancelRequest", value } });
  }

  requestProgress(): void {
    this.#stream.send({ requestUnion: { case: "progressRequest", value: {} } });
  }

  /** A request without any of the three. */
  sendNothing(): void {
    this.#stream.send({});
  }

  closeSend(): void {
    this.#stream.closeSend();
  }

  /** Resolves when what came so far satisfies `isEnough`. */
  until(isEnough: (responses: readonly WatchResponse[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#changed = () => {
        if (isEnough(this.#responses)) resolve();
        else if (this.#failure !== undefined) reject(this.#failure);
      };
      this.#changed();
    });
  }

  /** Resolves when that many control answers (created, canceled, progress) have come. */
  async control(count: number): Promise<void> {
    await this.until((all) => all.filter((one) => one.events.length === 0).length >= count);
  }

  /** Resolves when a watcher has had that many events. */
  async events(watchId: number, count: number): Promise<void> {
    const mine = (one: WatchResponse): boolean => one.watchId === BigInt(watchId);
    await this.until(
      (all) => all.filter(mine).reduce((sum, one) => sum + one.events.length, 0) >= count,
    );
  }

  /** The messages as they came. */
  get responses(): readonly WatchResponse[] {
    return this.#responses;
  }

  /** Ends the stream and gives what each watcher was told, by its id. */
  end(): Record<string, Told> {
    this.#stream.cancel();
    const told: Record<string, Told> = {};
    for (const response of this.#responses) {
      const one = (told[String(response.watchId)] ??= { control: [], events: [] });
      const { header, events, ...rest } = response;
      const revision = String(header?.revision);
      for (const event of events) one.events.push(eventJson(event, revision));
      if (events.length === 0) {
        const { $typeName: _, ...fields } = rest;
        one.control.push({ ...printable(fields), revision });
      }
    }
    return told;
  }
}

function printable(fields: object): { [key: string]: Json } {
  return JSON.parse(
    JSON.stringify(fields, (_, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    ),
  ) as { [key: string]: Json };
}

function eventJson(event: WatchResponse["events"][number], revision: string): Json {
  const kv = (one: typeof event.kv): Json =>
    one === undefined
      ? null
      : {
          key: Buffer.from(one.key).toString("latin1"),
          value: one.value.length > 64 ? one.value.length : Buffer.from(one.value).toString(),
          revisions: `${one.createRevision} ${one.modRevision} ${one.version}`,
          lease: String(one.lease),
        };
  // An answer may hold several revisions of a catch-up, so its own is at least the event's.
  const isLate = event.kv !== undefined && BigInt(revision) < event.kv.modRevision;
  return { type: event.type, kv: kv(event.kv), prevKv: kv(event.prevKv), isLate };
}
