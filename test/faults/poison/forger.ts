import { create, toBinary } from "@bufbuild/protobuf";
import type { Incarnation } from "../../../global/digest/version.js";
import { encodeHello } from "../../../global/mesh/core/hello.js";
import { FOLD_SEMANTICS } from "../../../global/summary/types.js";
import { MeshService, SyncResponseSchema } from "../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { RpcServer } from "../../../shared/rpc/server.js";

/** A gateway that says what a test makes it say, to every gateway that dials it. */
export class Forger {
  /** Where it can be dialled. */
  address = "";
  /** The region that it says it is of. */
  region: string;
  /** What it sends after its hello: encoded SyncResponses, or anything else. */
  frames: readonly Uint8Array[] = [];
  readonly #incarnation: Incarnation;
  readonly #server: RpcServer;
  readonly #hangUps = new Set<() => void>();

  private constructor(region: string, incarnation: Incarnation) {
    this.region = region;
    this.#incarnation = incarnation;
    this.#server = new RpcServer({ observe: undefined, report: () => {} }).add(MeshService, {
      sync: async (_requests, sink, { signal }) => {
        sink.send(this.#hello());
        for (const frame of this.frames) sink.send(frame);
        await new Promise<void>((resolve) => {
          this.#hangUps.add(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      },
    });
  }

  static async start(region: string, incarnation: Incarnation): Promise<Forger> {
    const forger = new Forger(region, incarnation);
    forger.address = `127.0.0.1:${await forger.#server.listen("127.0.0.1:0")}`;
    return forger;
  }

  #hello(): Uint8Array {
    const self = {
      region: this.region,
      gateway: "forger",
      foldSemantics: FOLD_SEMANTICS,
      incarnation: this.#incarnation,
    };
    return toBinary(SyncResponseSchema, create(SyncResponseSchema, { hello: encodeHello(self) }));
  }

  /** Says something else from now on, to those that dial again, which all have to. */
  say(...frames: readonly Uint8Array[]): void {
    this.frames = frames;
    for (const hangUp of this.#hangUps) hangUp();
    this.#hangUps.clear();
  }

  async stop(): Promise<void> {
    this.say();
    await this.#server.stop(0);
  }
}
