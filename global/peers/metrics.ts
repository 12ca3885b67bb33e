import { Counter, Gauge, type Registry } from "../../shared/metrics.js";
import type { PeerNameStatus } from "../api/view-source.js";
import type { LookupEvent } from "./peer-finder.js";

const PREFIX = "atoll_global_peer_";

/** Metrics of the names by which gateways are found. */
export class PeerMetrics {
  readonly #lookups: Counter;

  constructor(registry: Registry, status: () => readonly PeerNameStatus[]) {
    const registers = [registry];
    this.#lookups = new Counter({
      name: `${PREFIX}lookups_total`,
      help: "Look-ups of names of gateways, by outcome",
      labelNames: ["outcome"],
      registers,
    });
    const labelNames = ["origin", "name"];
    const gauge = (name: string, help: string, read: (of: PeerNameStatus) => number | undefined) =>
      new Gauge({
        name: PREFIX + name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const of of status()) {
            const value = read(of);
            if (value !== undefined) this.set({ origin: of.region, name: of.text }, value);
          }
        },
      });
    gauge("name_addresses", "Gateways that a name's last answer has", (of) => of.addresses.length);
    gauge("name_failing", "1 while a name's last look-up wasn't answered", (of) =>
      of.error === "" ? 0 : 1,
    );
    gauge("name_answer_age_seconds", "Time since a name was answered; absent before", (of) =>
      of.answerAgeMs === undefined ? undefined : of.answerAgeMs / 1_000,
    );
  }

  looked({ error }: LookupEvent): void {
    this.#lookups.inc({ outcome: error === "" ? "ok" : "failed" });
  }
}
