import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../../shared/errors.js";
import { MeshService, type SyncResponse } from "../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import {
  MAX_MESH_FRAME_BYTES,
  MESH_FRAME_BURST_MS,
  MESH_FRAME_COST_MS,
} from "../../shared/limits.js";
import { RpcClient } from "../../shared/rpc/client.js";
import type { ClientStream } from "../../shared/rpc/client-stream.js";
import type { SyncRequestInit } from "./core/output.js";
import { FrameInflater } from "./deflate.js";
import { Pace } from "./pace.js";

type Sync = typeof MeshService.method.sync;
type SyncStream = ClientStream<Sync["input"], Sync["output"]>;

const LIMITS = { messageMs: MESH_FRAME_COST_MS, burstMs: MESH_FRAME_BURST_MS };

/** What the streams that this gateway opens tell the mesh. */
export interface OutboundEvents {
  received(address: string, session: number, frame: SyncResponse): void;
  closed(address: string, session: number, error: string): void;
  /** A peer sends more than it may: what it sends next is read later. */
  throttled(): void;
}

interface Dialled {
  readonly session: number;
  readonly client: RpcClient;
  readonly stream: SyncStream;
}

/** The streams that this gateway has opened to others, by address; frames come in on them. */
export class Outbound {
  readonly #events: OutboundEvents;
  readonly #dialled = new Map<string, Dialled>();

  constructor(events: OutboundEvents) {
    this.#events = events;
  }

  /** Opens a stream; an earlier one to the same address is ended. */
  dial(address: string, session: number, request: SyncRequestInit): void {
    const before = this.#dialled.get(address);
    if (before !== undefined) this.hangUp(address, before.session);
    const client = new RpcClient(address, { maxResponseBytes: MAX_MESH_FRAME_BYTES });
    const stream = client.bidi(MeshService.method.sync);
    const dialled = { session, client, stream };
    this.#dialled.set(address, dialled);
    stream.send(request);
    void this.#read(address, dialled);
  }

  async #read(address: string, { session, client, stream }: Dialled): Promise<void> {
    let error = "the peer ended the stream";
    const inflater = new FrameInflater();
    const pace = new Pace(LIMITS, performance.now());
    try {
      for await (const frame of stream) {
        const beganMs = performance.now();
        const unpacked = await inflater.unpack(frame);
        this.#events.received(address, session, unpacked);
        const nowMs = performance.now();
        const waitMs = pace.taken(nowMs - beganMs, nowMs);
        if (waitMs === 0) continue;
        // What isn't read stays with the peer: HTTP/2's window is of our side.
        this.#events.throttled();
        await delay(waitMs);
      }
    } catch (thrown) {
      error = errorText(thrown);
    }
    inflater.close();
    client.close();
    if (this.#dialled.get(address)?.session === session) this.#dialled.delete(address);
    this.#events.closed(address, session, error);
  }

  /** Sends a request on a stream that is still the one in use. */
  request(address: string, session: number, request: SyncRequestInit): void {
    const dialled = this.#dialled.get(address);
    if (dialled?.session === session) dialled.stream.send(request);
  }

  hangUp(address: string, session: number): void {
    const dialled = this.#dialled.get(address);
    if (dialled?.session !== session) return;
    this.#dialled.delete(address);
    dialled.stream.cancel();
    dialled.client.close();
  }

  /** Ends all streams. */
  close(): void {
    for (const [address, { session }] of [...this.#dialled]) this.hangUp(address, session);
  }
}
