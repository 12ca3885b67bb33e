import { AtollError } from "../../shared/errors.js";

/**
 * Reports that the core's own rules are broken (a lost log, two leaders of one term, a
 * driver that got out of step). Going on could lose or fork committed entries, so
 * whoever drives the node must let it end; the message names what was found.
 *
 * @throws AtollError INTERNAL, always
 */
export function violated(message: string): never {
  throw new AtollError("INTERNAL", `raft: ${message}`);
}
