import { Counter, Gauge, type Registry, registerGauges } from "../../shared/metrics.js";
import type { AudienceBooks } from "../api/audience.js";
import type { MeshEvent } from "../mesh/core/output.js";
import type { SourceStatus } from "../source/types.js";

/** What a scrape asks of the gateway. */
export interface GatewayReadings {
  /** Upper bound of each region's age in seconds; undefined when unknown. */
  ages(): Iterable<readonly [region: string, seconds: number | undefined]>;
  readonly sections: number;
  readonly groups: number;
  /** Sections of other regions that take no deltas, because what came last was refused. */
  readonly quarantined: number;
  readonly links: number;
  readonly listeners: number;
  readonly subscriptions: number;
  /** Of them, those that can't take anything for now. */
  readonly slowSubscriptions: number;
  readonly subscriptionBooks: Readonly<AudienceBooks>;
  readonly waits: number;
  readonly revision: number;
  readonly skipped: number;
  readonly sourceState: SourceStatus["state"];
  /** Something of the source fails, whatever state it is in. */
  readonly hasTrouble: boolean;
  readonly firstReadKeys: number;
  /** Undefined while unknown. */
  readonly firstReadExpected: number | undefined;
}

const PREFIX = "atoll_global_";
const SOURCE_STATES = ["connecting", "loading", "live", "refused"] as const;

/** A gateway's metrics. */
export class GatewayMetrics {
  readonly #registry: Registry;
  readonly #frames: Counter;
  readonly #bytes: Counter;
  readonly #events: Counter;
  readonly #refused: Counter;
  readonly #throttled: Counter;
  readonly #failures: Counter;
  readonly #calls: Counter;
  readonly #publications: Counter;
  readonly #contractRefusals: Counter;
  readonly #waitOutcomes: Counter;

  constructor(registry: Registry, readings: GatewayReadings) {
    this.#registry = registry;
    const registers = [registry];
    const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
      new Counter({ name: PREFIX + name, help, labelNames, registers });
    this.#frames = counter("mesh_sent_frames_total", "Frames sent to other gateways");
    this.#bytes = counter("mesh_sent_bytes_total", "Bytes of those frames");
    this.#events = counter("mesh_events_total", "What happened in the mesh, by kind", ["kind"]);
    this.#refused = counter("mesh_refused_total", "What peers sent and was not taken, by reason", [
      "reason",
    ]);
    this.#throttled = counter(
      "mesh_throttled_total",
      "Times that a peer had to wait because it sent more than it may",
    );
    this.#failures = counter("internal_errors_total", "Errors that should never have happened");
    this.#calls = counter("rpc_calls_total", "Finished calls and streams", ["method", "code"]);
    this.#publications = counter("publications_total", "Sections that the own fold has moved");
    this.#contractRefusals = counter(
      "contract_refusals_total",
      "Demands of readers that were not met and failed their calls, by method and kind",
      ["method", "kind"],
    );
    this.#waitOutcomes = counter("waits_total", "Finished calls to Wait, by outcome", ["outcome"]);
    registerGauges(registry, PREFIX, [
      ["sections", "Sections that are held, of all regions", () => readings.sections],
      ["groups", "Groups in those sections", () => readings.groups],
      [
        "quarantined_sections",
        "Sections whose last good state stays because what came after it was refused",
        () => readings.quarantined,
      ],
      ["mesh_links", "Streams from other gateways that are up", () => readings.links],
      ["mesh_listeners", "Streams to other gateways", () => readings.listeners],
      ["subscriptions", "Subscriptions of consumers", () => readings.subscriptions],
      [
        "subscriptions_slow",
        "Subscriptions that can't take anything for now",
        () => readings.slowSubscriptions,
      ],
      ["waits", "Calls to Wait that are open", () => readings.waits],
      ["source_revision", "Revision up to which the own region is folded", () => readings.revision],
      [
        "source_trouble",
        "1 when something of the own region's source fails, else 0",
        () => Number(readings.hasTrouble),
      ],
      [
        "source_first_read_keys",
        "Keys that the newest first read of the own region has read",
        () => readings.firstReadKeys,
      ],
      [
        "source_first_read_expected_keys",
        "Keys that there were when it began; 0 while unknown",
        () => readings.firstReadExpected ?? 0,
      ],
      [
        "skipped_records",
        "Records that the own region's summaries had to leave out",
        () => readings.skipped,
      ],
    ]);
    this.#subscriptionCounters(readings);
    this.#sourceStates(readings);
    new Gauge({
      name: `${PREFIX}region_age_seconds`,
      help: "Upper bound of the age of each region's part; absent when unknown",
      labelNames: ["origin"],
      registers,
      collect() {
        this.reset();
        for (const [origin, seconds] of readings.ages())
          if (seconds !== undefined) this.set({ origin }, seconds);
      },
    });
  }

  #subscriptionCounters(readings: GatewayReadings): void {
    const rows: readonly [string, string, keyof AudienceBooks][] = [
      ["subscription_messages_total", "Messages sent to subscribers", "messages"],
      ["subscription_bytes_total", "Bytes of those messages", "bytes"],
      [
        "subscriptions_stalled_total",
        "Subscriptions that were ended because they took nothing",
        "stalled",
      ],
    ];
    for (const [name, help, field] of rows) {
      new Counter({
        name: PREFIX + name,
        help,
        registers: [this.#registry],
        collect() {
          this.reset();
          this.inc(readings.subscriptionBooks[field]);
        },
      });
    }
  }

  #sourceStates(readings: GatewayReadings): void {
    new Gauge({
      name: `${PREFIX}source_state`,
      help: "1 for the state that the own region's source is in, 0 for the others",
      labelNames: ["state"],
      registers: [this.#registry],
      collect() {
        for (const state of SOURCE_STATES)
          this.set({ state }, Number(readings.sourceState === state));
      },
    });
  }

  sent(bytes: number): void {
    this.#frames.inc();
    this.#bytes.inc(bytes);
  }

  event(event: MeshEvent): void {
    this.#events.inc({ kind: event.kind });
    if (event.kind === "refused") this.#refused.inc({ reason: event.reason });
  }

  throttled(): void {
    this.#throttled.inc();
  }

  failed(): void {
    this.#failures.inc();
  }

  /** A call has ended; `path` is `/package.Service/Method`. */
  readonly observeCall = (path: string, code: string): void => {
    this.#calls.inc({ method: path.slice(1), code });
  };

  /** A reader's demand was not met. */
  refused(method: string, kind: string): void {
    this.#contractRefusals.inc({ method, kind });
  }

  /** A call to Wait has ended. */
  waited(outcome: string): void {
    this.#waitOutcomes.inc({ outcome });
  }

  published(): void {
    this.#publications.inc();
  }

  /** All metrics in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
