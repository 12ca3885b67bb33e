import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Section } from "../../../global/digest/section.js";
import type { MeshEvent, MeshOutput } from "../../../global/mesh/core/output.js";
import {
  SyncRequestSchema,
  type SyncResponse,
  SyncResponseSchema,
} from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { type Bug, spoil } from "./planted-bugs.js";
import type { SimGateway } from "./sim-gateway.js";
import type { Connection, SimNetwork } from "./sim-network.js";

/** Is told what happens to sections, at the world's time. */
export interface Observer {
  /** A region's own gateway has new sections. */
  published(region: string, revision: number, atMs: number): void;
  /** A gateway has joined another region's section. */
  joined(gateway: SimGateway, section: Section, atMs: number): void;
}

/** What gateways sent to each other. */
export interface Traffic {
  /** Frames, and how many of them bring sections' news. */
  frames: number;
  newsFrames: number;
  /** Bytes of frames, and of those of them that bring news. */
  bytes: number;
  newsBytes: number;
  /** Chunks of sections. */
  chunks: number;
  /** Those of them that are differences from what their stream brought last. */
  differences: number;
  requests: number;
  requestBytes: number;
}

/** The world that gateways talk in. */
export interface WireWorld {
  readonly nowMs: number;
  readonly observer: Observer | undefined;
  readonly bug: Bug | undefined;
  readonly events: { gateway: string; event: MeshEvent }[];
  at(delayMs: number, run: () => void): void;
  /** Who is at an address. */
  gatewayAt(address: string): SimGateway;
  /** Has a gateway's mesh say what is to be done now, and does it. */
  carryOut(gateway: SimGateway): void;
}

/** Carries what gateways' meshes decide to other gateways, encoded as on real streams. */
export class SimWire {
  readonly traffic: Traffic = {
    ...{ frames: 0, newsFrames: 0, bytes: 0, newsBytes: 0 },
    ...{ chunks: 0, differences: 0, requests: 0, requestBytes: 0 },
  };
  readonly #world: WireWorld;
  readonly #network: SimNetwork;

  constructor(world: WireWorld, network: SimNetwork) {
    this.#world = world;
    this.#network = network;
  }

  /** Carries out what a gateway's mesh decided. */
  perform(gateway: SimGateway, output: MeshOutput): void {
    switch (output.kind) {
      case "dial":
        this.#dial(gateway, output.address, output.session);
        this.#sendUp(gateway, output.address, output.session, output.request);
        break;
      case "request":
        this.#sendUp(gateway, output.address, output.session, output.request);
        break;
      case "hang-up": {
        const connection = this.#network.dialled(gateway, output.address, output.session);
        if (connection !== undefined) this.break(connection, "hung up");
        break;
      }
      case "frame":
        this.#sendDown(gateway, output.stream, output.bytes);
        break;
      case "end-stream": {
        const connection = this.#network.accepted(gateway, output.stream);
        if (connection !== undefined) this.break(connection, output.error.message);
        break;
      }
      case "moved":
        this.#world.observer?.joined(gateway, output.section, this.#world.nowMs);
        break;
      case "event":
        this.#world.events.push({ gateway: gateway.name, event: output.event });
        if (output.event.kind === "own-past") gateway.source?.start();
        break;
    }
  }

  #dial(dialer: SimGateway, address: string, session: number): void {
    const target = this.#world.gatewayAt(address);
    const connection = this.#network.dial(dialer, address, session, target);
    if (!target.alive) this.#world.at(1, () => this.break(connection, "connection refused"));
  }

  /** Ends a stream; both ends hear of it. */
  break(connection: Connection, error: string): void {
    if (!this.#network.close(connection)) return;
    const { dialer, address, session, target, stream } = connection;
    const lives = [dialer.life, target.life];
    const hear = (gateway: SimGateway, life: number | undefined, run: () => void): void => {
      this.#world.at(Math.max(1, gateway.frozenUntilMs - this.#world.nowMs), () => {
        if (!gateway.alive || gateway.life !== life) return;
        if (!gateway.runs(this.#world.nowMs)) return hear(gateway, life, run);
        run();
        this.#world.carryOut(gateway);
      });
    };
    hear(dialer, lives[0], () => {
      dialer.core.closed(address, session, error, dialer.now(this.#world.nowMs));
    });
    hear(target, lives[1], () => {
      target.core.ended(stream);
    });
  }

  #sendUp(gateway: SimGateway, address: string, session: number, request: object): void {
    const connection = this.#network.dialled(gateway, address, session);
    if (connection === undefined) return;
    const bytes = toBinary(SyncRequestSchema, create(SyncRequestSchema, request));
    this.traffic.requests++;
    this.traffic.requestBytes += bytes.length;
    const { target, stream } = connection;
    this.#network.up(connection, () => {
      try {
        target.core.requested(
          stream,
          fromBinary(SyncRequestSchema, bytes),
          target.now(this.#world.nowMs),
        );
      } catch (error) {
        this.break(connection, String(error));
      }
      this.#world.carryOut(target);
    });
  }

  #sendDown(gateway: SimGateway, stream: number, bytes: Uint8Array): void {
    const connection = this.#network.accepted(gateway, stream);
    if (connection === undefined) return;
    const frame = fromBinary(SyncResponseSchema, bytes);
    this.#count(frame, bytes.length);
    const { dialer, address, session } = connection;
    this.#network.down(connection, () => {
      spoil(frame, this.#world.bug, dialer.now(this.#world.nowMs).ageMs);
      dialer.core.received(address, session, frame, dialer.now(this.#world.nowMs));
      this.#world.carryOut(dialer);
    });
  }

  #count({ chunks }: SyncResponse, bytes: number): void {
    const { traffic } = this;
    traffic.frames++;
    traffic.bytes += bytes;
    if (chunks.length === 0) return;
    traffic.newsFrames++;
    traffic.newsBytes += bytes;
    traffic.chunks += chunks.length;
    for (const { difference } of chunks) if (difference !== undefined) traffic.differences++;
  }
}
