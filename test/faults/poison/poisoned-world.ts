import { once } from "node:events";
import { expect } from "vitest";
import { type GetResponse, GlobalService } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import { etcdctlOk } from "../../peers/etcdctl.js";
import { type Gateway, startWorld, type World, type WorldOptions } from "../../peers/gateway.js";
import { metric } from "../metric.js";

export const DEFINITION = "name: machines\nprefix: /machines/\ngroupBy: [value.app]\nmeasures:\n";
export const MEASURES = "  machines: count()\n  spare: sum(value.cpu_free)\n";
const POLL_MS = 50;
const WAIT_MS = 30_000;

/** A gateway of "east" with one record, to which something is done. */
export class PoisonedWorld {
  readonly world: World;
  readonly gateway: Gateway;
  readonly client: RpcClient;
  /** Of east's members. */
  readonly endpoints: readonly string[];

  private constructor(world: World) {
    this.world = world;
    this.gateway = world.gateway("east");
    this.client = new RpcClient(this.gateway.address.grpc);
    this.endpoints = world.region("east").endpoints;
  }

  static async start(options: WorldOptions): Promise<PoisonedWorld> {
    const started = new PoisonedWorld(await startWorld(options));
    await started.put("/atoll/summaries/machines", DEFINITION + MEASURES);
    await started.put("/machines/a", '{"app": "api", "cpu_free": 8}');
    await until("the first record is counted", async () => {
      return (await started.view()).groups.length === 1;
    });
    return started;
  }

  /** Writes into east. */
  async put(key: string, value: string): Promise<void> {
    await etcdctlOk(this.endpoints, "put", key, value);
  }

  /** Deletes from east. */
  async delete(key: string): Promise<void> {
    await etcdctlOk(this.endpoints, "del", key);
  }

  /** What the gateway says of its own region. */
  view(): Promise<GetResponse> {
    const request = { summary: "machines", regions: ["east"] };
    return this.client.unary(GlobalService.method.get, request);
  }

  /** Whether the only group counts so many records. */
  async counts(records: bigint): Promise<boolean> {
    const cell = (await this.view()).groups[0]?.cells[0]?.value;
    return cell?.case === "count" && cell.value === records;
  }

  /** The sum of a metric over all series whose labels have these texts in them. */
  metric(name: string, ...labels: readonly string[]): Promise<number> {
    return metric(this.gateway.address.http, `atoll_global_${name}`, ...labels);
  }

  async expectUnhurt(): Promise<void> {
    expect(this.gateway.child.hasExited).toBe(false);
    expect((await this.view()).groups.map(({ key }) => key)).toEqual(['["api"]']);
    expect(await this.metric("internal_errors_total")).toBe(0);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.world.stop();
  }
}

/** Resolves when it is so; what fails counts as not yet. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + WAIT_MS;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > giveUpAt) throw new Error(`not so after ${WAIT_MS} ms: ${what}`);
    await once(AbortSignal.timeout(POLL_MS), "abort");
  }
}
