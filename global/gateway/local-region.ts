import type { Clock } from "../../shared/clock.js";
import { errorText } from "../../shared/errors.js";
import type { EtcdAccess } from "../../shared/etcd/access.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import type { Incarnation } from "../../shared/etcd/incarnation.js";
import { sha256 } from "../../shared/hash.js";
import type { Logger } from "../../shared/log.js";
import { type Attestation, attestedRevision } from "../digest/attestation.js";
import type { GlobalState } from "../digest/global-state.js";
import type { Order } from "../digest/orders.js";
import type { Section } from "../digest/section.js";
import type { AgeClock } from "../mesh/age-clock.js";
import { holdingOf } from "../mesh/core/holding.js";
import type { HeldPast } from "../source/past.js";
import { RegionSource } from "../source/source.js";
import type { SourceOutput, SourceStatus } from "../source/types.js";
import type { KeptSource } from "../storage/core/row-values.js";
import { SummaryEngine } from "../summary/engine/engine.js";
import type { EngineOutput, SummaryStatus } from "../summary/types.js";
import { DefinitionTexts } from "./definition-texts.js";
import { RegionIntent } from "./region-intent.js";

/** What a gateway is told of its own region. */
export interface LocalListener {
  /** The fold has moved a section. */
  published(section: Section): void;
  /** All that was acknowledged before `asOfMs`, on the age clock, is in what was published. */
  confirmed(incarnation: Incarnation, revision: number, asOfMs: number): void;
}

export interface LocalRegionOptions {
  readonly region: string;
  readonly gateway: string;
  readonly endpoints: readonly string[];
  readonly etcdAccess: () => EtcdAccess;
  readonly state: GlobalState;
  readonly clock: Clock;
  readonly ages: AgeClock;
  readonly log: Logger;
  readonly listener: LocalListener;
}

/** The gateway's own region: followed by the source, folded by the engine, published into the state. */
export class LocalRegion {
  readonly texts = new DefinitionTexts();
  readonly intent: RegionIntent;
  readonly #options: LocalRegionOptions;
  readonly #client: EtcdClient;
  readonly #source: RegionSource;
  readonly #engine: SummaryEngine;
  #incarnation: Incarnation | undefined;
  #revision = 0;

  constructor(options: LocalRegionOptions) {
    this.#options = options;
    this.intent = new RegionIntent(options.log);
    this.#client = new EtcdClient({ endpoints: options.endpoints, access: options.etcdAccess });
    this.#engine = new SummaryEngine({ region: options.region, hash: sha256 });
    this.#source = new RegionSource({
      client: this.#client,
      gateway: options.gateway,
      clock: options.clock,
      log: options.log,
      held: () => this.#held(),
      onOutput: (output) => this.#take(output),
    });
  }

  start(): void {
    this.#source.start();
  }

  async stop(): Promise<void> {
    await this.#source.stop();
    this.#client.close();
  }

  /** Whether everything that stood in the region when it was read is folded. */
  get isLive(): boolean {
    return this.#engine.isLive;
  }

  get status(): SourceStatus {
    return this.#source.status;
  }

  /** How far the newest first read is, or was when it ended. */
  get firstRead(): RegionSource["firstRead"] {
    return this.#source.firstRead;
  }

  /** The cluster id that the region's store answers with, hexadecimal; undefined while unknown. */
  get clusterId(): string | undefined {
    return this.#source.clusterId;
  }

  get incarnation(): Incarnation | undefined {
    return this.#incarnation;
  }

  /** Revision up to which the region is folded. */
  get revision(): number {
    return this.#revision;
  }

  summaries(): SummaryStatus[] {
    return this.#engine.statuses();
  }

  /** How far the region's store was followed; to be remembered over restarts. */
  get followed(): KeptSource | undefined {
    return this.#source.followed;
  }

  /** Takes what this gateway knew of the region before its restart. */
  recall({ incarnation, revision, lineage }: KeptSource): void {
    this.#source.remember({
      incarnation,
      revision,
      lineage: lineage && { ...lineage, gateway: "" },
    });
  }

  /** Takes what peers know of this region, by its own word. */
  remember(word: Attestation): void {
    const { incarnation, lineage } = word;
    this.recall({ incarnation, revision: attestedRevision(word), lineage });
  }

  /** An operator has settled which life of this region is the one. */
  adopted({ counter, nonce }: Order): void {
    this.#source.adopt(counter, nonce);
  }

  /**
   * Ends sections that are held of this region and defined no more: deleted while none
   * of its gateways ran. Folds anew what was refused for its size.
   */
  tidy(): void {
    if (!this.isLive) return;
    const held: string[] = [];
    for (const section of this.#options.state.region(this.#options.region)?.sections() ?? []) {
      if (!section.schema.retired) held.push(section.id.summary);
    }
    this.#carryOut(this.#engine.retireUnknown(held));
    this.#carryOut(this.#engine.retryRefused());
  }

  /** How far what was said of this region before a restart is held here. */
  #held(): HeldPast | undefined {
    const register = this.#options.state.region(this.#options.region);
    return (
      register && { incarnation: register.incarnation, revision: holdingOf(register).revision }
    );
  }

  #take(output: SourceOutput): void {
    this.texts.take(output);
    this.intent.take(output);
    if (output.kind === "reset") this.#incarnation = output.incarnation;
    if (output.kind === "lineage") this.#options.state.words.lineage = output.mark;
    if (output.kind === "load" || output.kind === "batch") this.#revision = output.revision;
    this.#carryOut(this.#engine.input(output));
    if (output.kind === "confirmed" && this.#incarnation !== undefined) {
      const asOfMs = this.#options.ages.at(output.asOf);
      this.#options.listener.confirmed(this.#incarnation, output.revision, asOfMs);
    }
  }

  #carryOut({ publications, scans, cancelledScans }: EngineOutput): void {
    const { state, log, listener } = this.#options;
    for (const publication of publications) {
      const outcome = state.publish(publication);
      if (outcome.kind === "applied") listener.published(outcome.section);
      else if (outcome.kind !== "known") {
        const reason = outcome.kind === "refused" ? outcome.message : outcome.kind;
        log.error(
          { summary: publication.id.summary, reason: errorText(reason) },
          "a fold was not taken",
        );
      }
    }
    for (const { scan, prefix } of scans) this.#source.scan(scan, prefix);
    for (const scan of cancelledScans) this.#source.cancelScan(scan);
  }
}
