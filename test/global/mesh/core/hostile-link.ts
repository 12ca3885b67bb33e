import { create } from "@bufbuild/protobuf";
import { GlobalState } from "../../../../global/digest/global-state.js";
import { ReportBook } from "../../../../global/digest/report.js";
import { type Trust, UNSIGNED } from "../../../../global/digest/trust.js";
import { MeshCore } from "../../../../global/mesh/core/mesh-core.js";
import type { Now } from "../../../../global/mesh/core/now.js";
import type { MeshEvent, MeshOutput } from "../../../../global/mesh/core/output.js";
import { FreshnessBook } from "../../../../global/view/freshness-book.js";
import { SyncResponseSchema } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import { seededRandom } from "../../../../shared/random.js";

const ADDRESS = "away:1";

/** A gateway of "home" whose stream from a gateway of "away" a test speaks on. */
export class HostileLink {
  readonly state: GlobalState;
  readonly core: MeshCore;
  readonly outputs: MeshOutput[] = [];
  #nowMs = 1_000;

  constructor(trust: Trust = UNSIGNED) {
    this.state = new GlobalState(sha256, trust);
    this.core = new MeshCore({
      region: "home",
      gateway: "home-g0",
      foldSemantics: 1,
      directory: new Map([
        ["away", [ADDRESS]],
        ["home", ["home:1"]],
      ]),
      state: this.state,
      freshness: new FreshnessBook(this.state),
      reports: new ReportBook(),
      random: seededRandom(1),
    });
    this.step(0);
    this.answer(ADDRESS, { region: "away", gateway: "away-g0" });
  }

  get now(): Now {
    return { monotonicMs: this.#nowMs, ageMs: this.#nowMs };
  }

  get link() {
    const link = this.core.links.get(ADDRESS);
    if (link === undefined) throw new Error("the peer was never dialled");
    return link;
  }

  /** Time passes. */
  step(byMs: number): void {
    this.#nowMs += byMs;
    this.core.tick(this.now);
    this.outputs.push(...this.core.take(this.now));
  }

  /** Somebody answers at an address, and says who it is. */
  answer(address: string, who: { region: string; gateway: string }): void {
    const hello = { protocolMin: 1, protocolMax: 1, foldSemantics: 1, ...who };
    const session = this.core.links.get(address)?.session ?? 0;
    this.core.received(address, session, create(SyncResponseSchema, { hello }), this.now);
  }

  /** The peer says something. */
  say(init: Parameters<typeof create<typeof SyncResponseSchema>>[1]): void {
    const session = this.core.links.get(ADDRESS)?.session ?? 0;
    this.core.received(ADDRESS, session, create(SyncResponseSchema, init), this.now);
    this.outputs.push(...this.core.take(this.now));
  }

  /** What was refused so far. */
  refused(): Extract<MeshEvent, { kind: "refused" }>[] {
    return this.outputs.flatMap((output) =>
      output.kind === "event" && output.event.kind === "refused" ? [output.event] : [],
    );
  }
}
