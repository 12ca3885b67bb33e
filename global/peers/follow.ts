import { systemClock } from "../../shared/clock.js";
import type { Logger } from "../../shared/log.js";
import type { Registry } from "../../shared/metrics.js";
import { systemRandom } from "../../shared/random.js";
import type { Directory } from "../mesh/core/address-book.js";
import { PeerMetrics } from "./metrics.js";
import { type LookupEvent, type LookupSettings, PeerFinder } from "./peer-finder.js";
import type { PeerList } from "./peer-list.js";

/** A finder that logs what it finds and counts its look-ups; `found` gets who is there from now on. */
export function followPeers(
  { peers, lookups }: { readonly peers: PeerList; readonly lookups: LookupSettings },
  registry: Registry,
  log: Logger,
  found: (directory: Directory) => void,
): PeerFinder {
  const looked = (event: LookupEvent): void => {
    metrics.looked(event);
    logLookup(log, event);
  };
  const finder = new PeerFinder(peers, lookups, { found, looked }, systemClock, systemRandom);
  const metrics = new PeerMetrics(registry, () => finder.status());
  return finder;
}

/** Who came and went, that a name fails and that it is answered again; each once. */
function logLookup(log: Logger, event: LookupEvent): void {
  const { region, name, added, removed, error, isTurn } = event;
  if (added.length + removed.length > 0) {
    log.info({ region, name, added, removed }, "gateways came or went");
  }
  if (!isTurn) return;
  if (error === "") log.info({ region, name }, "a name of gateways is answered again");
  else log.warn({ region, name, error }, "a name of gateways fails; what was known of it counts");
}
