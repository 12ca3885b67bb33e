import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { FrameInflater } from "../../../global/mesh/deflate.js";
import { Inbound } from "../../../global/mesh/inbound.js";
import { Deferred } from "../../../shared/deferred.js";
import { AtollError } from "../../../shared/errors.js";
import {
  type SyncRequest,
  SyncRequestSchema,
  type SyncResponse,
  SyncResponseSchema,
} from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MAX_MESH_STREAMS, MESH_REQUEST_BURST_MS } from "../../../shared/limits.js";
import type { CallContext, Sink } from "../../../shared/rpc/context.js";

const CONTEXT: CallContext = {
  peer: "test",
  bytes: new Uint8Array(0),
  signal: new AbortController().signal,
  deadlineMs: Number.POSITIVE_INFINITY,
  header: () => undefined,
};

/** A peer's stream by hand: requests go in, frames come out as long as there is room. */
class FakeStream implements Sink<SyncResponse> {
  readonly frames: (SyncResponse | Uint8Array)[] = [];
  hasRoom = true;
  #drained = new Deferred<void>();
  #next = new Deferred<SyncRequest>();

  async *requests(): AsyncGenerator<SyncRequest> {
    for (;;) yield await this.#next.promise;
  }
  ask(): void {
    const { resolve } = this.#next;
    this.#next = new Deferred();
    resolve(create(SyncRequestSchema));
  }
  fail(error: Error): void {
    this.#next.reject(error);
  }
  send(frame: SyncResponse | Uint8Array): boolean {
    this.frames.push(frame);
    return this.hasRoom;
  }
  drained(): Promise<void> {
    return this.#drained.promise;
  }
  drain(): void {
    this.hasRoom = true;
    const { resolve } = this.#drained;
    this.#drained = new Deferred();
    resolve();
  }
}

class Recorder {
  readonly log: string[] = [];
  refusal: Error | undefined;

  requested(stream: number): void {
    this.log.push(`requested ${stream}`);
    if (this.refusal !== undefined) throw this.refusal;
  }
  ended(stream: number): void {
    this.log.push(`ended ${stream}`);
  }
  sent(bytes: number): void {
    this.log.push(`sent ${bytes}`);
  }
  setBlocked(stream: number, isBlocked: boolean): void {
    this.log.push(`${isBlocked ? "blocked" : "free"} ${stream}`);
  }
}

function begin(helloTimeoutMs = 60_000) {
  const events = new Recorder();
  const inbound = new Inbound(events, helloTimeoutMs);
  const open = (stream: FakeStream): Promise<void> => {
    const { sync } = inbound.handlers;
    if (sync === undefined) throw new Error("there is no handler");
    return sync(stream.requests(), stream, CONTEXT);
  };
  return { events, inbound, open };
}

test("frames go deflated, one after the other, and come out as they were", async () => {
  const { events, inbound, open } = begin();
  const stream = new FakeStream();
  const served = open(stream);
  const frames = [1, 2, 3].map((stampMs) => create(SyncResponseSchema, { echo: { stampMs } }));
  for (const frame of frames) inbound.send(1, toBinary(SyncResponseSchema, frame));
  await vi.waitFor(() => expect(events.log).toContain("free 1"), { timeout: 10_000 });
  const inflater = new FrameInflater();
  const came: SyncResponse[] = [];
  for (const bytes of stream.frames) {
    const frame = fromBinary(SyncResponseSchema, bytes as Uint8Array);
    came.push(await inflater.unpack(frame));
  }
  expect(came).toEqual(frames);
  inbound.close(new AtollError("UNAVAILABLE", "over"));
  await expect(served).rejects.toThrow("over");
});

/** Lets everything run that needs no timer. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("requests come in, frames go out, and the end of one is told once", async () => {
  const { events, inbound, open } = begin();
  const stream = new FakeStream();
  const served = open(stream);
  stream.ask();
  await settle();
  inbound.send(1, Uint8Array.of(1));
  await settle();
  stream.fail(new AtollError("CANCELLED", "the peer went away"));
  await expect(served).rejects.toThrow("the peer went away");
  inbound.send(1, Uint8Array.of(2));
  expect(stream.frames).toEqual([Uint8Array.of(1)]);
  const carried = ["blocked 1", "sent 1", "free 1"];
  expect(events.log).toEqual(["requested 1", ...carried, "ended 1"]);
});

test("what a request is refused with ends the stream", async () => {
  const { events, open } = begin();
  events.refusal = new AtollError("INVALID_ARGUMENT", "hello: the first message must have one");
  const stream = new FakeStream();
  const served = open(stream);
  stream.ask();
  await expect(served).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(events.log).toEqual(["requested 1", "ended 1"]);
});

test("a slow peer blocks its stream until it has room, and waits once", async () => {
  const { events, inbound, open } = begin();
  const stream = new FakeStream();
  const served = open(stream);
  stream.hasRoom = false;
  inbound.send(1, Uint8Array.of(1));
  await settle();
  expect(events.log).toEqual(["blocked 1", "sent 1"]);
  stream.drain();
  await settle();
  expect(events.log).toEqual(["blocked 1", "sent 1", "free 1"]);
  inbound.close(new AtollError("UNAVAILABLE", "over"));
  await expect(served).rejects.toThrow("over");
});

test("a stream that was ended takes no requests any more, and none is opened after the close", async () => {
  const { events, inbound, open } = begin();
  const stream = new FakeStream();
  const served = open(stream);
  stream.ask();
  await settle();
  inbound.end(1, new AtollError("ABORTED", "the same gateway opened a later stream"));
  stream.ask();
  await expect(served).rejects.toMatchObject({ code: "ABORTED" });
  await settle();
  expect(events.log).toEqual(["requested 1", "ended 1"]);
  inbound.close(new AtollError("UNAVAILABLE", "the gateway stops"));
  await expect(open(new FakeStream())).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(events.log).toHaveLength(2);
});

test("a stream on which nobody says hello is ended", async () => {
  const { events, open } = begin(5);
  await expect(open(new FakeStream())).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(events.log).toEqual(["ended 1"]);
});

test("so many streams are served, and no more, whether they say who they are or not", async () => {
  const { inbound, open } = begin();
  const served = Array.from({ length: MAX_MESH_STREAMS }, () => open(new FakeStream()));
  await expect(open(new FakeStream())).rejects.toThrow(`${MAX_MESH_STREAMS} streams already`);
  inbound.close(new AtollError("UNAVAILABLE", "over"));
  await Promise.allSettled(served);
});

test("a receiver that asks far too often is hung up on", async () => {
  const { events, inbound } = begin();
  async function* requests(): AsyncGenerator<SyncRequest> {
    for (let i = 0; i < 1e6; i++) yield create(SyncRequestSchema);
  }
  const served = inbound.handlers.sync?.(requests(), new FakeStream(), CONTEXT);
  await expect(served).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  const taken = events.log.filter((line) => line === "requested 1").length;
  expect(taken).toBeGreaterThanOrEqual(MESH_REQUEST_BURST_MS);
  expect(taken).toBeLessThan(200_000);
});
