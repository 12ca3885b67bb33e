import { errorText } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import { CommandKind } from "../store/command.js";
import { encodeMember } from "../store/member-message.js";
import type { Outcome } from "../store/outcome.js";
import type { MemberAttributes } from "../store/state.js";

/** What publishing needs of its member. */
export interface PublisherOptions {
  /** What the member says of itself; where it is reached by others is not among it. */
  readonly own: MemberAttributes;
  /** What the group knows of it; undefined while it doesn't know that it belongs to the group. */
  readonly known: () => MemberAttributes | undefined;
  readonly propose: (kind: CommandKind, body: Uint8Array) => Promise<Outcome>;
  /** Whether there is somebody to tell, and reason to. */
  readonly isPossible: () => boolean;
  readonly log: Logger;
}

function isSame(a: MemberAttributes, b: MemberAttributes): boolean {
  return a.name === b.name && a.clientUrls.join(" ") === b.clientUrls.join(" ");
}

/** Publishes a member's name and client URLs once they differ from what the group knows. */
export class Publisher {
  readonly #options: PublisherOptions;
  #isUnderWay = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Looks whether there is something to publish; to be called now and then. */
  check(): void {
    const { own, known, propose, isPossible, log } = this.#options;
    if (this.#isUnderWay || !isPossible()) return;
    const before = known();
    if (before === undefined || isSame(before, own)) return;
    this.#isUnderWay = true;
    propose(CommandKind.memberPublish, encodeMember(own))
      .catch((error: unknown) => {
        if (isPossible()) log.warn({ reason: errorText(error) }, "member attributes not published");
      })
      .finally(() => {
        this.#isUnderWay = false;
      });
  }
}
