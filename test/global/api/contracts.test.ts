import { fromBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AtollError } from "../../../shared/errors.js";
import {
  type ErrorDetail,
  ErrorDetailSchema,
  ErrorReason,
  MissKind,
  OnMiss,
} from "../../../shared/gen/atoll/global/v1/contract_pb.js";
import { GlobalService } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { forget, History, incarnation, nonce } from "../digest/model.js";
import { FakeGateway, Served } from "./fake-gateway.js";

const { get, wait } = GlobalService.method;
const LIFE = { case: "nonce", value: nonce("a") } as const;

let gateway: FakeGateway;
let served: Served;
let east: History;

beforeEach(async () => {
  gateway = new FakeGateway();
  served = await Served.start(gateway);
  east = new History("us-east");
  const west = new History("eu-west");
  east.step({ api: 3, web: 1 });
  west.step({ api: 2 });
  gateway.hear(east.whole(3));
  gateway.hear(west.whole(3));
  gateway.confirm("us-east", 3, 900);
  gateway.confirm("eu-west", 3, 400);
});
afterEach(() => served.stop());

function stepEast(): void {
  east.step({ api: 100 + east.last });
  gateway.hear(east.delta(east.last - 1, east.last));
}

async function failure(
  call: Promise<unknown>,
): Promise<{ error: AtollError; detail: ErrorDetail }> {
  const error = await call.then(
    () => expect.unreachable("the call did not fail"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AtollError)) throw error;
  expect(error.typed?.typeName).toBe(ErrorDetailSchema.typeName);
  return { error, detail: fromBinary(ErrorDetailSchema, error.typed?.bytes ?? new Uint8Array()) };
}

const missesOf = (regions: readonly { region: string; misses: { kind: MissKind }[] }[]) =>
  regions.map(({ region, misses }) => [region, ...misses.map(({ kind }) => MissKind[kind])]);

describe("a contract of Get", () => {
  test("that is met changes nothing", async () => {
    const contract = { maxStalenessMs: 700 };
    const answer = await served.client.unary(get, { summary: "machines", contract });
    expect(missesOf(answer.regions)).toEqual([["eu-west"], ["us-east"]]);
    expect(served.noted).toEqual([]);
  });

  test("that isn't met fails, typed, and is counted", async () => {
    const contract = { maxStalenessMs: 300 };
    const call = served.client.unary(get, { summary: "machines", contract });
    const { error, detail } = await failure(call);
    expect(error.code).toBe("FAILED_PRECONDITION");
    expect(error.message).toMatch(/^contract: eu-west: it may be 601 ms old; at most 300 ms is/);
    expect(detail.reason).toBe(ErrorReason.CONTRACT);
    expect(detail.misses.map(({ kind, region }) => [kind, region])).toEqual([
      [MissKind.STALE, "eu-west"],
    ]);
    expect(served.noted).toEqual(["Get stale eu-west"]);
  });

  test("may be for single regions, and annotated", async () => {
    const regions = [
      { region: "eu-west", maxStalenessMs: 700, minVersion: { revision: 9n, life: LIFE } },
      { region: "mars", minVersion: { revision: 1n, life: LIFE } },
    ];
    const contract = { maxStalenessMs: 50, regions, onMiss: OnMiss.ANNOTATE };
    const answer = await served.client.unary(get, { summary: "machines", contract });
    expect(missesOf(answer.regions)).toEqual([
      ["eu-west", "BEHIND"],
      ["mars", "REGION_UNKNOWN"],
      ["us-east", "STALE"],
    ]);
    expect(answer.groups).toHaveLength(2);
    expect(served.noted).toEqual([]);
  });

  test("is LINEAGE_LOST when a restore went back behind the write", async () => {
    const restored = new History("us-east", {
      incarnation: { ...incarnation(2, "b"), baseRevision: 2, parentNonce: nonce("a") },
    });
    for (let n = 0; n < 20; n++) restored.step({ api: n });
    gateway.hear(restored.whole(restored.last));
    const asking = (revision: bigint) =>
      served.client.unary(get, {
        summary: "machines",
        contract: { regions: [{ region: "us-east", minVersion: { revision, life: LIFE } }] },
      });
    const { error, detail } = await failure(asking(3n));
    expect(error.code).toBe("DATA_LOSS");
    expect(detail.misses).toMatchObject([{ kind: MissKind.LINEAGE_LOST, final: true }]);
    expect((await asking(2n)).groups).toHaveLength(1);
  });

  const version = (minVersion: object) => ({ regions: [{ region: "us-east", minVersion }] });
  test.each([
    ["contract.regions[0].region", { regions: [{ maxStalenessMs: 1 }] }],
    ["contract.regions[1].region", { regions: [{ region: "a" }, { region: "a" }] }],
    ["contract.on_miss", { onMiss: 9 as OnMiss }],
    ["contract.regions[0].min_version.life", version({ revision: 1n })],
    ["contract.regions[0].min_version.revision", version({ life: LIFE })],
    ["contract.regions[0].min_version.revision", version({ revision: 2n ** 60n, life: LIFE })],
    [
      "contract.regions[0].min_version.nonce",
      version({ revision: 1n, life: { case: "nonce", value: "12" } }),
    ],
    [
      "contract.regions[0].min_version.cluster_id",
      version({ revision: 1n, life: { case: "clusterId", value: 0n } }),
    ],
    [
      "contract.regions[0].min_version.incarnation",
      version({ revision: 1n, life: LIFE, incarnation: 2n ** 60n }),
    ],
  ])("with a bad %s is refused by name", async (field, contract) => {
    const call = served.client.unary(get, { summary: "machines", contract });
    const { error, detail } = await failure(call);
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message.startsWith(`${field}: `)).toBe(true);
    expect(detail).toMatchObject({ reason: ErrorReason.BAD_FIELD, field });
  });

  test("can't demand of a region that isn't included", async () => {
    const contract = { regions: [{ region: "us-east" }] };
    const call = served.client.unary(get, { summary: "machines", regions: ["eu-west"], contract });
    const { detail } = await failure(call);
    expect(detail.field).toBe("contract.regions[0].region");
  });
});

describe("Wait", () => {
  const awaiting = (revision: bigint, more: object = {}) =>
    served.client.unary(wait, {
      summary: "machines",
      contract: { regions: [{ region: "us-east", minVersion: { revision, life: LIFE } }] },
      timeoutMs: 30_000,
      ...more,
    });

  test("answers when the write has come", async () => {
    const waiting = awaiting(5n);
    await expect.poll(() => served.api.waits).toBe(1);
    stepEast();
    stepEast();
    const { met, regions } = await waiting;
    expect(met).toBe(true);
    expect(regions.find(({ region }) => region === "us-east")?.version?.revision).toBe(5n);
    expect(served.noted).toEqual(["waited met"]);
    expect(served.api.waits).toBe(0);
  });

  test("takes the cluster id of a put's answer", async () => {
    gateway.book.join({
      ...{ region: "us-east", incarnation: incarnation(1), revision: 3, summaries: [] },
      ...{ clusterId: "c1", intent: "active" },
    });
    const life = { case: "clusterId", value: 0xc1n } as const;
    const contract = { regions: [{ region: "us-east", minVersion: { revision: 3n, life } }] };
    expect((await awaiting(0n, { contract })).met).toBe(true);
  });

  test("for all summaries goes by what was confirmed when all were there", async () => {
    stepEast();
    const late = await failure(awaiting(4n, { summary: "", timeoutMs: 1 }));
    expect(late.error.code).toBe("DEADLINE_EXCEEDED");
    const waiting = awaiting(4n, { summary: "" });
    gateway.confirm("us-east", 4, 950);
    expect((await waiting).met).toBe(true);
  });

  test("waits for an age, too", async () => {
    const contract = { regions: [{ region: "us-east", maxStalenessMs: 50 }] };
    const waiting = awaiting(0n, { contract });
    await expect.poll(() => served.api.waits).toBe(1);
    gateway.confirm("us-east", 3, 990);
    expect((await waiting).met).toBe(true);
  });

  test("for a summary that is yet to come waits for it", async () => {
    const { error } = await failure(awaiting(3n, { summary: "later", timeoutMs: 20 }));
    expect(error.code).toBe("DEADLINE_EXCEEDED");
  });

  test("says what is missed when the time is over: as an error, or annotated", async () => {
    const { error, detail } = await failure(awaiting(9n, { timeoutMs: 20 }));
    expect(error.code).toBe("DEADLINE_EXCEEDED");
    expect(detail.misses).toMatchObject([{ kind: MissKind.BEHIND, region: "us-east" }]);
    const minVersion = { revision: 9n, life: LIFE };
    const contract = { regions: [{ region: "us-east", minVersion }], onMiss: OnMiss.ANNOTATE };
    const { met, regions } = await awaiting(9n, { contract, timeoutMs: 20 });
    expect([met, missesOf(regions)]).toEqual([false, [["eu-west"], ["us-east", "BEHIND"]]]);
    expect(served.noted).toEqual(["waited timeout", "Wait behind us-east", "waited timeout"]);
  });

  test.each([
    ["LINEAGE_LOST", "DATA_LOSS", "us-east"],
    ["FORGOTTEN", "NOT_FOUND", "us-east"],
    ["REGION_UNKNOWN", "NOT_FOUND", "mars"],
  ] as const)("ends at once, with %s, when it would wait for ever", async (kind, code, region) => {
    if (kind === "LINEAGE_LOST") {
      const parentNonce = nonce("a");
      const second = { ...incarnation(2, "b"), baseRevision: 3, parentNonce };
      const restored = new History("us-east", { incarnation: second });
      restored.step({ api: 1 });
      restored.step({ api: 2 });
      gateway.hear(restored.whole(restored.last));
    } else if (kind === "FORGOTTEN") {
      gateway.state.obey(forget("us-east", 1));
      gateway.moved("us-east", undefined);
    }
    const minVersion = { revision: 9n, life: LIFE };
    const call = awaiting(9n, { contract: { regions: [{ region, minVersion }] } });
    const { error, detail } = await failure(call);
    expect(error.code).toBe(code);
    expect(detail.misses).toMatchObject([{ kind: MissKind[kind], region, final: true }]);
    expect(served.noted[0]).toBe("waited impossible");
  });

  test("ends when the caller goes away, and when the gateway stops", async () => {
    const abort = new AbortController();
    const request = {
      contract: { regions: [{ region: "us-east", minVersion: { revision: 9n, life: LIFE } }] },
    };
    const left = served.client.unary(wait, request, { signal: abort.signal });
    await expect.poll(() => served.api.waits).toBe(1);
    abort.abort();
    await expect(left).rejects.toMatchObject({ code: "CANCELLED" });
    await expect.poll(() => served.api.waits).toBe(0);
    const waiting = awaiting(9n);
    const ended = expect(waiting).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect.poll(() => served.api.waits).toBe(1);
    served.api.close();
    await ended;
  });

  test.each([
    ["contract", {}],
    ["timeout_ms", { contract: { maxStalenessMs: 1 }, timeoutMs: 700_000 }],
  ])("with a bad %s is refused by name", async (field, request) => {
    const { error, detail } = await failure(served.client.unary(wait, request));
    expect([error.code, detail.field]).toEqual(["INVALID_ARGUMENT", field]);
  });
});

describe("a contract of Subscribe", () => {
  test("ends the stream when it comes to be missed", async () => {
    const request = { summaries: ["machines"], contract: { maxStalenessMs: 700 } };
    const follower = served.subscribe(request);
    await follower.until("heartbeat");
    gateway.clockMs += 400;
    stepEast();
    const { error, detail } = await failure(follower.until("update"));
    expect(error.code).toBe("FAILED_PRECONDITION");
    expect(detail.misses).toMatchObject([{ kind: MissKind.STALE, region: "eu-west" }]);
    expect(served.noted).toEqual(["Subscribe stale eu-west"]);
  });

  test("that is annotated goes with each region's freshness", async () => {
    const contract = { maxStalenessMs: 50, onMiss: OnMiss.ANNOTATE };
    const follower = served.subscribe({ summaries: ["machines"], contract });
    const update = await follower.until("update");
    expect(missesOf(update.regions)).toEqual([
      ["eu-west", "STALE"],
      ["us-east", "STALE"],
    ]);
    const heartbeat = await follower.until("heartbeat");
    expect(missesOf(heartbeat.regions)).toEqual([
      ["eu-west", "STALE"],
      ["us-east", "STALE"],
    ]);
    follower.cancel();
  });
});
