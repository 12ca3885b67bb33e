import { afterEach, beforeEach, expect, test } from "vitest";
import type { Intent } from "../../../shared/etcd/intent.js";
import {
  CandidateReason,
  GlobalService,
  Intent as WireIntent,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { groupKey, History, incarnation, SCHEMA } from "../digest/model.js";
import { FakeGateway, Served } from "./fake-gateway.js";

let gateway: FakeGateway;
let served: Served;

beforeEach(async () => {
  gateway = new FakeGateway();
  served = await Served.start(gateway);
  place("us-east", 1, undefined);
  place("eu-west", 3, 80);
  place("ap-south", 30, 200);
});
afterEach(() => served.stop());

/** A region with so many machines of the group, so far away. */
function place(region: string, machines: number, rttMs: number | undefined): void {
  const history = new History(region);
  history.step({ api: machines });
  gateway.hear(history.whole(3));
  gateway.confirm(region, 3, 900);
  if (rttMs !== undefined) gateway.rtts.set(region, rttMs);
  say(region, "active", 3);
}

function say(region: string, intent: Intent | undefined, revision: number): void {
  const report = { region, incarnation: incarnation(1), revision, summaries: [] };
  gateway.book.join({ ...report, clusterId: "", intent });
}

const resolve = (more: object = {}) =>
  served.client.unary(GlobalService.method.resolve, {
    ...{ summary: "machines", group: groupKey("api"), capacity: "machines", minCapacity: 2 },
    ...more,
  });

test("ranks the regions by what they say, how fresh and how near they are, with reasons", async () => {
  const { region, candidates } = await resolve();
  expect(region).toBe("us-east");
  expect(candidates.map(({ freshness }) => freshness?.region)).toEqual([
    "eu-west",
    "ap-south",
    "us-east",
  ]);
  expect(candidates[0]).toMatchObject({
    ...{ eligible: true, intent: WireIntent.ACTIVE, capacity: 3, rttMs: 80, notes: [] },
  });
  expect(candidates[2]).toMatchObject({
    ...{ eligible: false, capacity: 1, rttMs: 0, reasons: [CandidateReason.CAPACITY] },
    notes: ["its capacity is 1; at least 2 is needed"],
  });
  say("eu-west", "draining", 4);
  say("ap-south", undefined, 4);
  const later = await resolve({ regions: ["eu-west", "ap-south"] });
  expect(later.candidates).toMatchObject([
    { eligible: false, intent: WireIntent.DRAINING, reasons: [CandidateReason.INTENT] },
    { eligible: false, intent: WireIntent.UNSPECIFIED, reasons: [CandidateReason.INTENT] },
  ]);
});

test("without a capacity, all that have the group serve; a stale digest counts as none", async () => {
  const { candidates } = await resolve({ capacity: "", minCapacity: 0 });
  expect(candidates.map(({ eligible, capacity }) => [eligible, capacity])).toEqual(
    Array.from({ length: 3 }, () => [true, undefined]),
  );
  const strict = await resolve({ maxStalenessMs: 50 });
  for (const candidate of strict.candidates) {
    expect(candidate.reasons).toContain(CandidateReason.FRESHNESS);
  }
  const other = await resolve({ group: groupKey("other") });
  for (const candidate of other.candidates) {
    expect(candidate.reasons).toEqual([CandidateReason.NO_GROUP]);
  }
});

const measures = SCHEMA.measures.map(({ name }) => name).join(", ");
test.each([
  ["summary: is empty", { summary: "" }],
  ["group: is ", { group: "api" }],
  [`capacity: machines has no measure "cpus"; it has ${measures}`, { capacity: "cpus" }],
  ["min_capacity: is -1; it must be finite and not negative", { minCapacity: -1 }],
  ["min_capacity: needs a capacity", { capacity: "" }],
])("%s: is refused by name", async (message, request) => {
  await expect(resolve(request)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(message) as string,
  });
});
