import { AtollClient } from "../../../shared/client/client.js";
import type { AtollEvent } from "../../../shared/client/events.js";
import { measureOf } from "../../../shared/client/measure.js";
import { MergedView } from "../../../shared/client/merged-view.js";
import { freePorts } from "../../../shared/ports.js";
import { seededRandom } from "../../../shared/random.js";
import type { RpcServer } from "../../../shared/rpc/server.js";
import { FakeGateway, Served } from "../../global/api/fake-gateway.js";
import { History } from "../../global/digest/model.js";

export const SUMMARIES = { summaries: ["machines"] };

/** Two gateways that may hear of one region's history at different times, and their clients. */
export class TwoGateways {
  readonly history = new History("us-east");
  readonly first = new FakeGateway();
  readonly second = new FakeGateway();
  readonly #endings: (() => Promise<unknown> | void)[] = [];

  constructor() {
    this.history.step({ api: 1, web: 1 });
    for (const gateway of [this.first, this.second]) {
      gateway.hear(this.history.whole(this.history.last));
      gateway.confirm("us-east", this.history.last, 900);
    }
  }

  /** A gateway hears of the newest steps. */
  hear(gateway: FakeGateway, steps = 1): void {
    gateway.hear(this.history.delta(this.history.last - steps, this.history.last));
  }

  async serve(gateway: FakeGateway): Promise<Served> {
    const served = await Served.start(gateway);
    this.#endings.push(() => served.stop());
    return served;
  }

  /** Serves something else; gives its address. */
  async listen(server: RpcServer): Promise<string> {
    const port = await server.listen("127.0.0.1:0");
    this.#endings.push(() => server.stop(0));
    return `127.0.0.1:${port}`;
  }

  client(...addresses: string[]): AtollClient {
    const client = new AtollClient({ gateways: addresses, random: seededRandom(1) });
    this.#endings.push(() => client.close());
    return client;
  }

  consumer(client: AtollClient): Consumer {
    const consumer = new Consumer(client.subscribe(SUMMARIES));
    this.#endings.push(() => consumer.end());
    return consumer;
  }

  /** Ends all that was begun here, the last first. */
  async end(): Promise<void> {
    for (const end of this.#endings.reverse()) await end();
  }
}

/** A consumer that adds up what it is told. */
export class Consumer {
  readonly view = new MergedView();
  readonly seen: string[] = [];
  readonly #events: AsyncGenerator<AtollEvent>;

  constructor(events: AsyncGenerator<AtollEvent>) {
    this.#events = events;
  }

  async next(): Promise<AtollEvent> {
    const { value, done } = await this.#events.next();
    if (done === true) throw new Error("the subscription has ended");
    this.view.apply(value);
    if (value.type !== "freshness") this.seen.push(value.type);
    return value;
  }

  async until<T extends AtollEvent["type"]>(type: T): Promise<AtollEvent & { type: T }> {
    for (;;) {
      const event = await this.next();
      if (event.type === type) return event as AtollEvent & { type: T };
    }
  }

  async end(): Promise<void> {
    await this.#events.return(undefined);
  }

  /** Counts by group. */
  counts(): Record<string, number | undefined> {
    const summary = this.view.summary("machines");
    const groups = [...(summary?.groups ?? [])];
    return Object.fromEntries(
      groups.map(([key, group]) => [key, measureOf(group, summary?.definition, "machines")]),
    );
  }
}

/** What Get answers, by group. */
export async function countsOf(client: AtollClient): Promise<Record<string, number | undefined>> {
  const { groups, definition } = await client.get({ summary: "machines" });
  return Object.fromEntries(
    groups.map((group) => [group.key, measureOf(group, definition, "machines")]),
  );
}

/** An address where nobody listens. */
export async function deadAddress(): Promise<string> {
  return `127.0.0.1:${(await freePorts(1))[0]}`;
}
