import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { GlobalApi } from "../../../global/api/global-api.js";
import { Wakeup } from "../../../global/api/wakeup.js";
import {
  SubscribeRequestSchema,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { SUBSCRIBER_STALL_MS } from "../../../shared/limits.js";
import type { Sink } from "../../../shared/rpc/context.js";

/** A subscriber's end of a line, without any transport; it may take nothing for a while. */
export class Line implements Sink<SubscribeResponse> {
  /** The messages as they were sent: what is shared is the same bytes, not equal ones. */
  readonly frames: Uint8Array[] = [];
  readonly #abort = new AbortController();
  readonly #wakeup = new Wakeup();
  #isOpen: boolean;
  #served: Promise<void> = Promise.resolve();

  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  /** Subscribes over this line; see `served`. */
  subscribe(api: GlobalApi, request: MessageInitShape<typeof SubscribeRequestSchema>): this {
    const context = {
      peer: "test",
      bytes: new Uint8Array(0),
      signal: this.#abort.signal,
      deadlineMs: Number.POSITIVE_INFINITY,
      header: () => undefined,
    };
    const message = create(SubscribeRequestSchema, request);
    const call = api.handlers.subscribe?.(message, this, context);
    this.#served = call ?? Promise.reject(new Error("there is no handler"));
    this.#served.catch(() => {});
    return this;
  }

  /** Settles as the call does. */
  get served(): Promise<void> {
    return this.#served;
  }

  send(message: SubscribeResponse | Uint8Array): boolean {
    if (!(message instanceof Uint8Array)) throw new Error("a message came without its encoding");
    this.frames.push(message);
    return this.#isOpen;
  }

  async drained(): Promise<void> {
    if (!this.#isOpen) await this.#wakeup.sleep(2 * SUBSCRIBER_STALL_MS);
  }

  /** Takes everything from now on. */
  open(): void {
    this.#isOpen = true;
    this.#wakeup.ring();
  }

  /** Takes one more message, then nothing. */
  stall(): void {
    this.#isOpen = false;
  }

  hangUp(): void {
    this.#abort.abort();
    this.#wakeup.ring();
  }

  get events(): SubscribeResponse["event"][] {
    return this.frames.map((frame) => fromBinary(SubscribeResponseSchema, frame).event);
  }

  get updates(): number {
    return this.events.filter((event) => event.case === "update").length;
  }

  /** The merged counts that the updates add up to, by group key. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const event of this.events) {
      if (event.case !== "update") continue;
      if (event.value.reset) counts.clear();
      for (const { key, cells } of event.value.groups)
        counts.set(key, Number(cells[0]?.value.value));
      for (const key of event.value.removed) counts.delete(key);
    }
    return counts;
  }
}
