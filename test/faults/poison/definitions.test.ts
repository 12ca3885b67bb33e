import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GlobalService, type SummaryState } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { RpcClient } from "../../../shared/rpc/client.js";
import { Subscriber } from "../../peers/subscriber.js";
import { DEFINITION, MEASURES, PoisonedWorld, until } from "./poisoned-world.js";

/** Definitions and records of all kinds: what makes no sense is shown, and hurts nothing else. */
let poisoned: PoisonedWorld;

beforeAll(async () => {
  poisoned = await PoisonedWorld.start({ regions: ["east", "west"] });
});
afterAll(async () => {
  await poisoned?.stop();
});

describe("definitions and records that make no sense", () => {
  const summary = async (name: string): Promise<SummaryState | undefined> => {
    const request = { summary: name, regions: ["east"] };
    return (await poisoned.client.unary(GlobalService.method.summaries, request)).summaries[0];
  };

  test("of an invalid definition the last good one stays, and the error is shown", async () => {
    const good = await summary("machines");
    await poisoned.put("/atoll/summaries/machines", `${DEFINITION}  a: total(1)\n`);
    await until("the error is shown", async () => (await summary("machines"))?.error !== "");
    const bad = await summary("machines");
    expect(bad?.error).toContain("measures.a");
    expect(bad?.text).toContain("total(1)");
    expect(bad?.published?.fingerprint).toBe(good?.published?.fingerprint);
    await poisoned.put("/machines/b", '{"app": "api", "cpu_free": 1}');
    await until("the last good one counts on", () => poisoned.counts(2n));
    await poisoned.put("/atoll/summaries/machines", DEFINITION + MEASURES);
    await until("the error is gone", async () => (await summary("machines"))?.error === "");
    await poisoned.expectUnhurt();
  });

  test("definitions of impossible names, bytes and sizes hurt nobody", async () => {
    await poisoned.put("/atoll/summaries/no name/é", DEFINITION + MEASURES);
    await poisoned.put("/atoll/summaries/", "name: ''\n");
    await poisoned.put("/atoll/summaries/long", `# ${"x".repeat(90_000)}\n`);
    const shown = async (name: string): Promise<boolean> =>
      (await poisoned.client.unary(GlobalService.method.summaries, {})).summaries.some(
        (state) => state.region === "east" && state.summary === name && state.error !== "",
      );
    await until("the long one is refused", () => shown("long"));
    await until("the one without a possible name is refused", () => shown("no name/é"));
    await poisoned.expectUnhurt();
    // The other region's gateway, which is honest, hears of those that can be named.
    const other = new RpcClient(poisoned.world.gateway("west").address.grpc);
    await until("the other region knows", async () => {
      const { summaries } = await other.unary(GlobalService.method.summaries, {
        summary: "long",
        regions: ["east"],
      });
      return summaries[0]?.error.includes("the limit is") === true;
    });
    other.close();
    for (const name of ["no name/é", "", "long"]) {
      await poisoned.delete(`/atoll/summaries/${name}`);
    }
  });

  test("records that don't parse are skipped with their keys, and the stream goes on", async () => {
    const follower = new Subscriber(poisoned.gateway.address.grpc, "machines");
    await poisoned.put("/machines/broken", '{"app": ');
    await poisoned.put("/machines/wrong", '{"app": "api", "cpu_free": "many"}');
    await poisoned.put("/machines/deep", "[".repeat(5_000));
    await poisoned.put("/machines/c", '{"app": "web", "cpu_free": 2}');
    await follower.until((s) => s.groups.get("web")?.[0] === 1);
    expect(follower.groups.get("api")).toEqual([2, 9]);
    await until("the skipped are told", async () => (await summary("machines"))?.skipped === 3n);
    const samples = (await summary("machines"))?.samples ?? [];
    expect(samples.map(({ key }) => key).sort()).toEqual([
      "/machines/broken",
      "/machines/deep",
      "/machines/wrong",
    ]);
    for (const { reason } of samples) expect(reason).not.toBe("");
    expect(await poisoned.metric("skipped_records")).toBe(3);
    await poisoned.put("/machines/broken", '{"app": "web", "cpu_free": 3}');
    await follower.until((s) => s.groups.get("web")?.[1] === 5);
    follower.close();
    expect(poisoned.gateway.child.hasExited).toBe(false);
  });
});
