import { setTimeout as delay } from "node:timers/promises";
import { AtollError } from "../../shared/errors.js";
import { EtcdClient } from "../../shared/etcd/client.js";
import { Cluster, type Member } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import type { Region } from "../peers/atoll.js";

const RETRY_MS = 100;
/** The group's own rules make a change wait for some seconds of good health. */
const PATIENCE_MS = 60_000;

/** What a change is refused with as long as the group isn't ready for it. */
const NOT_YET =
  /unhealthy cluster|not enough started|in sync with leader|no leader|timed out|server stopped/;

/** An operator of a region: changes its members, and tries again while the group isn't ready. */
export class Operator {
  readonly #region: Region;
  readonly #client: EtcdClient;

  constructor(region: Region, endpoints: readonly string[] = region.endpoints) {
    this.#region = region;
    this.#client = new EtcdClient({ endpoints });
  }

  close(): void {
    this.#client.close();
  }

  async members(): Promise<readonly Member[]> {
    const { members } = await this.#patiently(() =>
      this.#client.unary(Cluster.method.memberList, { linearizable: true }, { kind: "read" }),
    );
    return members;
  }

  /** The id of a member of the region, found by where it is. */
  async idOf(index: number): Promise<bigint> {
    const url = this.#url(index);
    const member = (await this.members()).find(({ peerURLs }) => peerURLs.includes(url));
    if (member === undefined) throw new Error(`no member is at ${url}`);
    return member.ID;
  }

  async add(index: number, isLearner: boolean): Promise<void> {
    const peerURLs = [this.#url(index)];
    await this.#patiently(async () => {
      try {
        await this.#client.unary(Cluster.method.memberAdd, { peerURLs, isLearner });
      } catch (error) {
        // An attempt before this one was carried out, though its answer was lost.
        if (!String(error).includes("Peer URLs already exists")) throw error;
      }
    });
  }

  async promote(index: number): Promise<void> {
    const ID = await this.idOf(index);
    await this.#patiently(() => this.#client.unary(Cluster.method.memberPromote, { ID }));
  }

  async remove(index: number): Promise<void> {
    const ID = await this.idOf(index);
    await this.#patiently(async () => {
      try {
        await this.#client.unary(Cluster.method.memberRemove, { ID });
      } catch (error) {
        if (!String(error).includes("member not found")) throw error;
      }
    });
  }

  async move(id: bigint, address: string): Promise<void> {
    const request = { ID: id, peerURLs: [`http://${address}`] };
    await this.#patiently(() => this.#client.unary(Cluster.method.memberUpdate, request));
  }

  /** Adds a member as a learner, starts it, lets it vote, and waits until it is known by name. */
  async grow(index: number): Promise<void> {
    await this.add(index, true);
    this.#region.launch(index);
    await this.promote(index);
    await this.#region.ready(index);
    const { name } = this.#region.member(index);
    while (!(await this.members()).some((member) => member.name === name)) await delay(RETRY_MS);
  }

  #url(index: number): string {
    return `http://${this.#region.member(index).peer}`;
  }

  async #patiently<T>(call: () => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const isTransient = error instanceof AtollError && NOT_YET.test(error.message);
        if (!isTransient || performance.now() > giveUpAt) throw error;
        await delay(RETRY_MS);
      }
    }
  }
}
