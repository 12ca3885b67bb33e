import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorDetail } from "../../../shared/client/failure.js";
import { writtenAt } from "../../../shared/client/written.js";
import { MissKind } from "../../../shared/gen/atoll/global/v1/contract_pb.js";
import { groupKey, incarnation } from "../../global/digest/model.js";
import { countsOf, deadAddress, TwoGateways } from "./two-gateways.js";

const API = groupKey("api");

let world: TwoGateways;
beforeEach(() => {
  world = new TwoGateways();
});
afterEach(() => world.end());

describe("calls", () => {
  test("go to the next gateway when one is down, and stay there", async () => {
    const served = await world.serve(world.first);
    const client = world.client(await deadAddress(), served.address);
    expect(await countsOf(client)).toEqual({ [API]: 1, [groupKey("web")]: 1 });
    expect((await client.regions()).regions).toHaveLength(1);
    const { candidates } = await client.resolve({ summary: "machines", group: API });
    expect(candidates[0]?.freshness?.region).toBe("us-east");
  });

  test("fail with what each gateway said when none answers", async () => {
    const [a, b] = [await deadAddress(), await deadAddress()];
    const call = world.client(a, b).get({ summary: "machines" }, { giveUpAfterMs: 0 });
    await expect(call).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(`^no gateway answers \\(${a}: .*; ${b}: `) as string,
    });
  });

  test("end with the signal, and leave nothing at it", async () => {
    const client = world.client(await deadAddress());
    const abort = new AbortController();
    const call = client.get({ summary: "machines" }, { signal: abort.signal });
    const ended = expect(call).rejects.toMatchObject({ code: "CANCELLED" });
    abort.abort();
    await ended;
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });

  test("don't take what is wrong with the question elsewhere, and tell its field", async () => {
    const served = await world.serve(world.first);
    const client = world.client(served.address, await deadAddress());
    const error = await client.get({ summary: "" }).catch((thrown: unknown) => thrown);
    expect(errorDetail(error)?.field).toBe("summary");
    expect(errorDetail(new Error("no"))).toBeUndefined();
  });
});

describe("wait", () => {
  const demand = (revision: bigint) => writtenAt("us-east", { clusterId: 0xc1n, revision });

  beforeEach(() => {
    const report = { region: "us-east", incarnation: incarnation(1), revision: 2, summaries: [] };
    for (const { book } of [world.first, world.second])
      book.join({ ...report, clusterId: "c1", intent: "active" });
  });

  test("goes on at the next gateway when one stops", async () => {
    const [first, second] = [await world.serve(world.first), await world.serve(world.second)];
    const client = world.client(first.address, second.address);
    const contract = { regions: [demand(BigInt(world.history.last + 1))] };
    const waiting = client.wait({ summary: "machines", contract });
    await expect.poll(() => first.api.waits).toBe(1);
    first.api.close();
    await expect.poll(() => second.api.waits).toBe(1);
    world.history.step({ api: 9 });
    world.hear(world.second);
    expect((await waiting).met).toBe(true);
  });

  test("fails with what isn't met when its time is over", async () => {
    const client = world.client((await world.serve(world.first)).address);
    const contract = { regions: [demand(99n)] };
    const error = await client.wait({ contract, timeoutMs: 30 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(errorDetail(error)?.misses).toMatchObject([{ kind: MissKind.BEHIND }]);
  });
});
