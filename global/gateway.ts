import { systemClock } from "../shared/clock.js";
import { GlobalService } from "../shared/gen/atoll/global/v1/global_pb.js";
import { MeshService } from "../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { TrustService } from "../shared/gen/atoll/trust/v1/trust_pb.js";
import { sha256 } from "../shared/hash.js";
import { HttpSide } from "../shared/http-side.js";
import { GATEWAY_REPORT_INTERVAL_MS, STORAGE_ORDER_WAIT_MS } from "../shared/limits.js";
import type { Logger } from "../shared/log.js";
import { createRegistry } from "../shared/metrics.js";
import { systemRandom } from "../shared/random.js";
import { RpcServer } from "../shared/rpc/server.js";
import { GlobalApi } from "./api/global-api.js";
import type { ViewChange, ViewSource } from "./api/view-source.js";
import { GlobalState } from "./digest/global-state.js";
import type { Order } from "./digest/orders.js";
import { ReportBook } from "./digest/report.js";
import type { Section } from "./digest/section.js";
import { UNSIGNED } from "./digest/trust.js";
import { logMeshEvent } from "./gateway/event-log.js";
import { logTrust, refreshKeys } from "./gateway/keys.js";
import { localLink } from "./gateway/local-link.js";
import { LocalRegion } from "./gateway/local-region.js";
import { GatewayMetrics } from "./gateway/metrics.js";
import { Neighbours } from "./gateway/neighbours.js";
import type { GatewayOptions } from "./gateway/options.js";
import { answerPage, type GatewayCondition } from "./gateway/pages.js";
import { readingsOf } from "./gateway/readings.js";
import { ReportSender, reportOf } from "./gateway/report.js";
import { AgeClock } from "./mesh/age-clock.js";
import { MeshCore } from "./mesh/core/mesh-core.js";
import type { MeshEvent } from "./mesh/core/output.js";
import { Mesh } from "./mesh/mesh.js";
import { followPeers } from "./peers/follow.js";
import type { PeerFinder } from "./peers/peer-finder.js";
import { RedisMirror } from "./redis/mirror.js";
import { readBootClock } from "./storage/boot-clock.js";
import type { KeptSource } from "./storage/core/row-values.js";
import { ViewStorage } from "./storage/view-storage.js";
import { FOLD_SEMANTICS } from "./summary/types.js";
import { Keyring } from "./trust/keyring.js";
import { OperatorDesk } from "./trust/trust-service.js";
import { FreshnessBook } from "./view/freshness-book.js";
import { View } from "./view/view.js";

/**
 * One region's gateway: reads its region, folds and publishes it, exchanges sections
 * with all other gateways, and serves the merged view. What it keeps on its disk it could
 * learn again, so a new one takes the place of a lost one.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #log: Logger;
  readonly #ages = new AgeClock(systemClock);
  readonly #keyring: Keyring | undefined;
  readonly #state: GlobalState;
  readonly #reports = new ReportBook();
  readonly #sender = new ReportSender();
  readonly #listeners = new Set<(change: ViewChange) => void>();
  readonly #core: MeshCore;
  readonly #mesh: Mesh;
  readonly #finder: PeerFinder;
  readonly #local: LocalRegion;
  readonly #api: GlobalApi;
  readonly #metrics: GatewayMetrics;
  readonly #mirror: RedisMirror | undefined;
  readonly #storage: ViewStorage | undefined;
  readonly #server: RpcServer;
  readonly #http: HttpSide;
  #timer: NodeJS.Timeout | undefined;
  #isRestored = false;
  /** What was kept has the own region in it. */
  #keptOwn = false;
  #stopping: Promise<void> | undefined;

  constructor(options: GatewayOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    const { region, name, peers, grpc, trust } = options;
    this.#keyring = trust && new Keyring({ ...trust, region });
    this.#state = new GlobalState(sha256, this.#keyring ?? UNSIGNED);
    const freshness = new FreshnessBook(this.#state);
    const view = new View(this.#state, freshness);
    this.#core = new MeshCore({
      region,
      gateway: name,
      foldSemantics: FOLD_SEMANTICS,
      directory: peers.directory,
      state: this.#state,
      freshness,
      reports: this.#reports,
      random: systemRandom,
      pushIntervalMs: options.pushIntervalMs,
    });
    this.#local = new LocalRegion({
      region,
      gateway: name,
      endpoints: options.endpoints,
      etcdAccess: options.etcdAccess,
      state: this.#state,
      clock: systemClock,
      ages: this.#ages,
      log,
      listener: {
        published: (section) => this.#published(section),
        confirmed: (incarnation, revision, asOfMs) => {
          this.#core.confirmed(incarnation, revision, asOfMs);
          this.#mesh.wake();
        },
      },
    });
    const ageNowMs = (): number => this.#ages.now().ageMs;
    const neighbours = new Neighbours({
      region,
      gateway: name,
      address: grpc,
      core: this.#core,
      sourceStatus: () => this.#local.status,
      ageNowMs,
    });
    const source: ViewSource = {
      region,
      gateway: name,
      view,
      nowMs: ageNowMs,
      links: () => neighbours.links(),
      peers: () => neighbours.peers(),
      names: () => this.#finder.status(),
      mirror: () => this.#mirror?.status,
      storage: () => this.#storage?.status,
      rttMs: (of) => (of === region ? 0 : this.#core.rttMs(of)),
      reports: () => this.#reports.all(),
      report: (of) => this.#reports.get(of),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
    this.#api = new GlobalApi(source, {
      refused: (method, kind, of) => {
        this.#metrics.refused(method, kind);
        log.debug({ method, kind, region: of }, "a contract isn't met");
      },
      waited: (outcome) => this.#metrics.waited(outcome),
    });
    const registry = createRegistry({ region, gateway: name });
    const readings = readingsOf({
      state: this.#state,
      core: this.#core,
      local: this.#local,
      api: this.#api,
      ageNowMs,
    });
    this.#metrics = new GatewayMetrics(registry, readings);
    this.#storage =
      options.dataDir === undefined
        ? undefined
        : new ViewStorage({
            path: options.dataDir,
            region,
            state: this.#state,
            freshness,
            source: () => this.#local.followed,
            onRestored: ({ source }) => this.#restored(source),
            clock: systemClock,
            ageNowMs,
            bootClock: readBootClock,
            registry,
            log,
          });
    this.#mirror =
      options.redis &&
      new RedisMirror({
        settings: options.redis,
        source,
        registry,
        log,
        clock: systemClock,
        random: systemRandom,
      });
    this.#mesh = new Mesh(this.#core, this.#ages, {
      moved: (section) => this.#changed({ region: section.id.region, summary: section.id.summary }),
      event: (event) => this.#event(event),
      sent: (bytes) => this.#metrics.sent(bytes),
      throttled: () => this.#metrics.throttled(),
      failed: (error) => this.#failed(error, "the mesh failed in a step"),
    });
    this.#finder = followPeers(options, registry, log, (directory) => {
      this.#core.readdress(directory, this.#ages.now());
      this.#mesh.wake();
    });
    this.#server = new RpcServer({
      observe: this.#metrics.observeCall,
      report: (path, error) => log.error({ path, err: error.cause ?? error }, "a call failed"),
    })
      .add(GlobalService, this.#api.handlers)
      .add(MeshService, this.#mesh.handlers)
      .add(TrustService, this.#operatorDesk().handlers);
    const condition: GatewayCondition = {
      unready: () => this.#unready(),
      sourceText: () => this.#sourceText(),
      metrics: () => this.#metrics.text(),
    };
    this.#http = new HttpSide((url) => answerPage(url, condition));
  }

  /**
   * Takes back the view that was kept, listens, then connects, and follows the region as soon
   * as it has what peers know of it. Throws UNAVAILABLE naming a taken address,
   * FAILED_PRECONDITION for a data directory that isn't this gateway's.
   */
  async start(): Promise<void> {
    const { grpc, http } = this.#options;
    await this.#http.listen(http);
    try {
      await this.#storage?.load();
      if (this.#stopping !== undefined) return;
      await this.#server.listen(grpc);
    } catch (error) {
      await Promise.allSettled([this.#http.close(), this.#storage?.stop()]);
      throw error;
    }
    this.#isRestored = true;
    this.#log.info({ grpc, http }, "listening");
    logTrust(this.#keyring, this.#log);
    this.#mesh.start();
    this.#finder.start();
    this.#mirror?.start();
    this.#storage?.start();
    this.#timer = setInterval(() => this.#report(), GATEWAY_REPORT_INTERVAL_MS);
  }

  /** What was known before a restart is back. */
  #restored(source: KeptSource | undefined): void {
    this.#keptOwn = this.#state.region(this.#options.region) !== undefined;
    const adopted = this.#state.adopted(this.#options.region);
    if (adopted !== undefined) this.#local.adopted(adopted);
    if (source !== undefined) this.#local.recall(source);
    for (const { region } of this.#state.regions()) this.#changed({ region, summary: undefined });
  }

  #published(section: Section): void {
    this.#core.published(section);
    this.#metrics.published();
    this.#changed({ region: section.id.region, summary: section.id.summary });
    this.#mesh.wake();
  }

  #changed(change: ViewChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #event(event: MeshEvent): void {
    logMeshEvent(this.#log, event);
    this.#metrics.event(event);
    if (event.kind === "own-region") {
      this.#local.remember(event.word);
    } else if (event.kind === "own-past") {
      this.#local.start();
    } else if (event.kind === "order") {
      this.#ordered(event.order);
    } else if (event.kind === "link-down") {
      this.#finder.doubt(event.region);
    } else if (event.kind === "refused" || event.kind === "conflict") {
      this.#changed({ region: event.region, summary: undefined });
    }
  }

  #operatorDesk(): OperatorDesk {
    const { region, name } = this.#options;
    return new OperatorDesk({
      region,
      gateway: name,
      state: this.#state,
      obey: (order) => {
        const outcome = this.#core.obey(order);
        this.#mesh.wake();
        return outcome;
      },
      kept: async () => this.#storage?.saveNow(STORAGE_ORDER_WAIT_MS),
      refused: () => {
        const { status } = this.#local;
        return status.state === "refused" ? status.reason : "";
      },
    });
  }

  #ordered(order: Order): void {
    const { region, kind } = order;
    void this.#storage?.saveNow(STORAGE_ORDER_WAIT_MS);
    if (kind === "adopt" && region === this.#options.region) this.#local.adopted(order);
    this.#changed({ region, summary: undefined });
  }

  #report(): void {
    refreshKeys(this.#keyring, this.#log);
    try {
      this.#local.tidy();
      const report = reportOf(this.#options.region, this.#local, this.#state);
      if (report === undefined || !this.#sender.isNews(report)) return;
      this.#core.reported(report);
      this.#mesh.wake();
    } catch (error) {
      this.#failed(error, "the own region's report failed");
    }
  }

  /** An error that should never have happened: it is said aloud, and the gateway goes on. */
  #failed(error: unknown, what: string): void {
    this.#metrics.failed();
    this.#log.error({ err: error }, what);
  }

  #unready(): string | undefined {
    if (this.#stopping !== undefined) return "stopping";
    if (!this.#isRestored) return "taking back the view that was kept";
    // What was kept of the own region is served with its age, as that of others is.
    if (this.#local.isLive || this.#keptOwn) return undefined;
    return `the region's first read isn't folded yet: ${this.#sourceText()}`;
  }

  #sourceText(): string {
    return localLink(this.#local.status, this.#options.region).reason;
  }

  /** Ends subscriptions and streams, then everything else. Safe to call again. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#api.close();
    this.#mesh.stop();
    this.#finder.stop();
    const endings = await Promise.allSettled([
      this.#local.stop(),
      this.#server.stop(),
      this.#http.close(),
      this.#mirror?.stop(),
    ]);
    // Once nothing moves any more.
    endings.push(...(await Promise.allSettled([this.#storage?.stop()])));
    const failed = endings.find((ending) => ending.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
