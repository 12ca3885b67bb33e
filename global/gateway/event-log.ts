import type { Logger } from "../../shared/log.js";
import type { MeshEvent } from "../mesh/core/output.js";

/** Writes a mesh event by the level policy: changes of state as info, trouble as warn. */
export function logMeshEvent(log: Logger, event: MeshEvent): void {
  const { kind, ...facts } = event;
  switch (kind) {
    case "link-up":
    case "stream-open":
    case "order":
      log.info(facts, kind);
      break;
    case "link-down":
      // A peer that isn't there is dialled again and again; only the loss of one is news.
      if (event.kind === "link-down" && event.wasUp) log.warn(facts, kind);
      else log.debug(facts, kind);
      break;
    case "refused":
    case "conflict":
      log.warn(facts, kind);
      break;
    case "repair":
    case "stream-end":
    case "own-region":
    case "own-past":
      log.debug(facts, kind);
      break;
  }
}
