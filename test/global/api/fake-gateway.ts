import type { MessageInitShape } from "@bufbuild/protobuf";
import { GlobalApi } from "../../../global/api/global-api.js";
import type { PeerInfo, ViewChange, ViewSource } from "../../../global/api/view-source.js";
import type { Publication, Transfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import type { Outcome } from "../../../global/digest/outcome.js";
import { type RegionReport, ReportBook } from "../../../global/digest/report.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import { type Links, type RegionLink, View } from "../../../global/view/view.js";
import type { SubscribeRequestSchema } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import {
  GlobalService,
  type Heartbeat,
  type Notice,
  type SubscribeResponse,
  type Update,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import { RpcServer } from "../../../shared/rpc/server.js";
import { incarnation } from "../digest/model.js";

/** A gateway without source and mesh: tests say what it hears. */
export class FakeGateway implements ViewSource {
  readonly region = "us-east";
  readonly gateway = "g0";
  readonly state = new GlobalState(sha256);
  readonly freshness = new FreshnessBook(this.state);
  readonly view = new View(this.state, this.freshness);
  readonly book = new ReportBook();
  readonly linked = new Map<string, RegionLink>();
  readonly gateways: PeerInfo[] = [];
  readonly rtts = new Map<string, number>();
  clockMs = 1_000;
  readonly #listeners = new Set<(change: ViewChange) => void>();

  nowMs(): number {
    return this.clockMs;
  }

  links(): Links {
    return this.linked;
  }

  peers(): readonly PeerInfo[] {
    return this.gateways;
  }

  rttMs(region: string): number | undefined {
    return region === this.region ? 0 : this.rtts.get(region);
  }

  reports(): Iterable<RegionReport> {
    return this.book.all();
  }

  report(region: string): RegionReport | undefined {
    return this.book.get(region);
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Says that something moved. */
  moved(region: string, summary: string | undefined): void {
    for (const listener of this.#listeners) listener({ region, summary });
  }

  hear(news: Transfer | Publication): Outcome {
    const outcome = "kind" in news ? this.state.receive(news) : this.state.publish(news);
    if (outcome.kind === "applied") {
      this.freshness.moved(outcome.section);
      if (!this.linked.has(news.id.region)) this.link(news.id.region);
    }
    this.moved(news.id.region, news.id.summary);
    return outcome;
  }

  link(region: string, link: Partial<RegionLink> = {}): void {
    this.linked.set(region, { reachable: true, path: "direct", reason: "", ...link });
  }

  confirm(region: string, revision: number, asOfMs: number): void {
    this.freshness.confirm({ region, incarnation: incarnation(1), revision, asOfMs });
  }
}

/** The consumers' API of a gateway on a port of its own, and a client of it. */
export class Served {
  readonly #server: RpcServer;
  readonly api: GlobalApi;
  readonly client: RpcClient;
  readonly address: string;
  /** What the API told its observer, in order. */
  readonly noted: readonly string[];

  private constructor(server: RpcServer, api: GlobalApi, noted: readonly string[], port: number) {
    this.#server = server;
    this.api = api;
    this.noted = noted;
    this.address = `127.0.0.1:${port}`;
    this.client = new RpcClient(this.address);
  }

  static async start(source: ViewSource): Promise<Served> {
    const noted: string[] = [];
    const api = new GlobalApi(source, {
      refused: (method, kind, region) => noted.push(`${method} ${kind} ${region}`),
      waited: (outcome) => noted.push(`waited ${outcome}`),
    });
    const failed: unknown[] = [];
    const server = new RpcServer({
      observe: undefined,
      report: (path, error) => failed.push([path, error.cause]),
    }).add(GlobalService, api.handlers);
    return new Served(server, api, noted, await server.listen("127.0.0.1:0"));
  }

  subscribe(request: MessageInitShape<typeof SubscribeRequestSchema>): Follower {
    return new Follower(this.client, request);
  }

  async stop(): Promise<void> {
    this.api.close();
    this.client.close();
    await this.#server.stop(0);
  }
}

type AnyEvent = SubscribeResponse["event"];
interface EventValues {
  readonly update: Update;
  readonly heartbeat: Heartbeat;
  readonly notice: Notice;
}

/** A subscriber, and what it makes of what it is told. */
export class Follower {
  readonly #stream: AsyncIterator<SubscribeResponse>;
  readonly #cancel: () => void;
  /** Merged groups by summary, then by key. */
  readonly groups = new Map<string, Map<string, unknown>>();
  /** Names of the notices, in order. */
  readonly notices: number[] = [];
  token = new Uint8Array(0);

  constructor(client: RpcClient, request: MessageInitShape<typeof SubscribeRequestSchema>) {
    const stream = client.serverStream(GlobalService.method.subscribe, request);
    this.#stream = stream[Symbol.asyncIterator]();
    this.#cancel = () => stream.cancel();
  }

  /** The next event, after taking it in. */
  async next(): Promise<AnyEvent> {
    const { value, done } = await this.#stream.next();
    if (done === true) throw new Error("the stream has ended");
    const { event } = value;
    if (event.case === "heartbeat") this.token = event.value.resumeToken.slice();
    if (event.case === "notice") this.notices.push(event.value.kind);
    if (event.case === "update") {
      const update = event.value;
      const groups = update.reset ? new Map() : (this.groups.get(update.summary) ?? new Map());
      this.groups.set(update.summary, groups);
      for (const { key, cells } of update.groups) groups.set(key, cells);
      for (const key of update.removed) groups.delete(key);
    }
    return event;
  }

  /** The next event of a kind; what comes before it is taken in. */
  async until<K extends keyof EventValues>(kind: K): Promise<EventValues[K]> {
    for (;;) {
      const event = await this.next();
      if (event.case === kind) return event.value as EventValues[K];
    }
  }

  /** A group's count, the first of its cells. */
  count(key: string, summary = "machines"): number | undefined {
    const cells = this.groups.get(summary)?.get(key) as
      | readonly { value: { value: unknown } }[]
      | undefined;
    return cells?.[0] === undefined ? undefined : Number(cells[0].value.value);
  }

  cancel(): void {
    this.#cancel();
  }
}
