import { AtollError } from "../../shared/errors.js";
import type { MeshService } from "../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { MESH_TICK_MS } from "../../shared/limits.js";
import type { Handlers } from "../../shared/rpc/handlers.js";
import type { Section } from "../digest/section.js";
import type { AgeClock } from "./age-clock.js";
import type { MeshCore } from "./core/mesh-core.js";
import type { MeshEvent, MeshOutput } from "./core/output.js";
import { Inbound } from "./inbound.js";
import { Outbound } from "./outbound.js";

/** What a mesh tells its gateway. Listeners must not throw. */
export interface MeshListener {
  /** A section of another region moved. */
  moved(section: Section): void;
  event(event: MeshEvent): void;
  /** A frame of that many bytes, deflated, went out. */
  sent(bytes: number): void;
  /** A peer sent more than it may, and was made to wait. */
  throttled(): void;
  /** Something that must not fail did; the mesh goes on, and repair mends what was lost. */
  failed(error: unknown): void;
}

/**
 * The shell around the mesh's core: carries out what it decides on real streams, and
 * tells it what happens and when.
 */
export class Mesh {
  readonly handlers: Handlers<typeof MeshService>;
  readonly #core: MeshCore;
  readonly #clock: AgeClock;
  readonly #listener: MeshListener;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  #ticker: NodeJS.Timeout | undefined;
  #dueTimer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #stopped = false;

  constructor(core: MeshCore, clock: AgeClock, listener: MeshListener) {
    this.#core = core;
    this.#clock = clock;
    this.#listener = listener;
    this.#inbound = new Inbound({
      requested: (stream, request) => {
        core.requested(stream, request, clock.now());
        this.wake();
      },
      ended: (stream) => {
        core.ended(stream);
        this.wake();
      },
      setBlocked: (stream, isBlocked) => {
        core.setBlocked(stream, isBlocked);
        if (!isBlocked) this.wake();
      },
      sent: (bytes) => listener.sent(bytes),
    });
    this.#outbound = new Outbound({
      received: (address, session, frame) => {
        core.received(address, session, frame, clock.now());
        this.wake();
      },
      closed: (address, session, error) => {
        core.closed(address, session, error, clock.now());
        this.wake();
      },
      throttled: () => listener.throttled(),
    });
    this.handlers = this.#inbound.handlers;
  }

  /** Begins to connect. */
  start(): void {
    const tick = (): void => {
      this.#guard(() => this.#core.tick(this.#clock.now()));
      this.wake();
    };
    this.#ticker = setInterval(tick, MESH_TICK_MS);
    tick();
  }

  /** Something happened: what is to be done is done in this turn, once for all that happened in it. */
  wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#guard(() => this.#carryOut());
    });
  }

  /** An error here would end the process; one bad section or stream must not. */
  #guard(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  #carryOut(): void {
    for (;;) {
      const outputs = this.#core.take(this.#clock.now());
      if (outputs.length === 0) break;
      for (const output of outputs) this.#guard(() => this.#perform(output));
    }
    clearTimeout(this.#dueTimer);
    const dueMs = this.#core.dueMs();
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(0, Math.ceil(dueMs - this.#clock.now().monotonicMs));
    this.#dueTimer = setTimeout(() => this.wake(), waitMs);
  }

  #perform(output: MeshOutput): void {
    switch (output.kind) {
      case "dial":
        this.#outbound.dial(output.address, output.session, output.request);
        break;
      case "request":
        this.#outbound.request(output.address, output.session, output.request);
        break;
      case "hang-up":
        this.#outbound.hangUp(output.address, output.session);
        break;
      case "frame":
        this.#inbound.send(output.stream, output.bytes);
        break;
      case "end-stream":
        this.#inbound.end(output.stream, output.error);
        break;
      case "moved":
        this.#listener.moved(output.section);
        break;
      case "event":
        this.#listener.event(output.event);
        break;
    }
  }

  /** Ends all streams and timers. Safe to call again. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#dueTimer);
    this.#outbound.close();
    this.#inbound.close(new AtollError("UNAVAILABLE", "the gateway stops"));
  }
}
