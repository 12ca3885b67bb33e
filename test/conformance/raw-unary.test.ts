import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RpcClient } from "../../shared/rpc/client.js";
import { KV_STEPS } from "./kv-steps.js";
import { LEASE_STEPS } from "./lease-steps.js";
import type { Step } from "./raw.js";
import { type Pair, startPair } from "./subject.js";
import { TXN_STEPS } from "./txn-steps.js";

/**
 * Each request goes to real etcd and to us, through each member in turn; codes,
 * texts, revisions and answers must be equal.
 */
describe("unary requests answered as etcd answers them", () => {
  let pair: Pair;
  let clients: { etcd: RpcClient; atoll: RpcClient }[];
  let turn = 0;

  beforeAll(async () => {
    pair = await startPair();
    clients = pair.etcd.endpoints.map((endpoint, i) => ({
      etcd: new RpcClient(endpoint),
      atoll: new RpcClient(pair.atoll.endpoints[i] as string),
    }));
  });
  afterAll(async () => {
    for (const { etcd, atoll } of clients) {
      etcd.close();
      atoll.close();
    }
    await pair.stop();
  });

  const compare = async ({ run }: Step): Promise<void> => {
    const { etcd, atoll } = clients[turn++ % clients.length] as (typeof clients)[number];
    const [theirs, ours] = await Promise.all([run(etcd), run(atoll)]);
    expect(ours).toEqual(theirs);
  };

  describe("keys", () => {
    for (const one of KV_STEPS) test(one.title, () => compare(one));
  });
  describe("transactions", () => {
    for (const one of TXN_STEPS) test(one.title, () => compare(one));
  });
  describe("leases", () => {
    for (const one of LEASE_STEPS) test(one.title, () => compare(one));
  });
});
