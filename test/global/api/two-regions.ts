import { History } from "../digest/model.js";
import { FakeGateway, Served } from "./fake-gateway.js";

/** A gateway over the wire that has heard of two regions, each at its third step. */
export class TwoRegions {
  readonly gateway: FakeGateway;
  readonly served: Served;
  readonly east = new History("us-east");
  readonly west = new History("eu-west");

  private constructor(gateway: FakeGateway, served: Served) {
    this.gateway = gateway;
    this.served = served;
    this.east.step({ api: 3, web: 1 });
    this.west.step({ api: 2 });
    gateway.hear(this.east.whole(3));
    gateway.hear(this.west.whole(3));
  }

  static async start(): Promise<TwoRegions> {
    const gateway = new FakeGateway();
    return new TwoRegions(gateway, await Served.start(gateway));
  }

  /** us-east goes on by one step. */
  stepEast(groups: Readonly<Record<string, number | undefined>>): void {
    const { east } = this;
    east.step(groups);
    this.gateway.hear(east.delta(east.last - 1, east.last));
  }
}
