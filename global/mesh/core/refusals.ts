import { clipText } from "../../../shared/bytes.js";
import { MAX_REFUSAL_BYTES, MAX_REFUSED_NAME_BYTES } from "../../../shared/limits.js";
import type { GlobalState } from "../../digest/global-state.js";
import type { SectionId } from "../../digest/section.js";
import type { Link } from "./link.js";
import type { BadReason, MeshOutput } from "./output.js";

/** Says aloud what isn't taken of what peers send; nothing of theirs at a length that they choose. */
export class Refusals {
  readonly #state: GlobalState;
  readonly #emit: (output: MeshOutput) => void;

  constructor(state: GlobalState, emit: (output: MeshOutput) => void) {
    this.#state = state;
    this.#emit = emit;
  }

  say(link: Link, reason: BadReason, message: string, { region, summary }: SectionId): void {
    const quarantined = this.#state.region(region)?.fault(summary)?.quarantined === true;
    const from = link.hello === undefined ? link.address : `${link.region}/${link.hello.gateway}`;
    const event = {
      kind: "refused",
      reason,
      message: clipText(message, MAX_REFUSAL_BYTES),
      from,
      region: clipText(region, MAX_REFUSED_NAME_BYTES),
      summary: clipText(summary, MAX_REFUSED_NAME_BYTES),
      quarantined,
    } as const;
    this.#emit({ kind: "event", event });
  }
}
