import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decimalText } from "../../../global/api/cell-message.js";
import { toBinaryKey } from "../../../shared/bytes.js";
import {
  GlobalService,
  type Group,
  MeasureKind,
  RegionStatus,
} from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { MAX_GROUPS_PER_GET } from "../../../shared/limits.js";
import { cells, groupKey, History, incarnation, SCHEMA, version } from "../digest/model.js";
import { FakeGateway, Served } from "./fake-gateway.js";

let gateway: FakeGateway;
let served: Served;
const { get, regions, summaries } = GlobalService.method;

beforeAll(async () => {
  gateway = new FakeGateway();
  served = await Served.start(gateway);
  const [east, west] = [new History("us-east"), new History("eu-west")];
  east.step({ api: 3, web: 1 });
  west.step({ api: 2, "api-2": 7 });
  gateway.hear(east.whole(3));
  gateway.hear(west.whole(3));
  gateway.link("us-east", { path: "local" });
  gateway.link("ap-south", { reachable: false, path: "", reason: "it was never heard of" });
  gateway.gateways.push(
    { region: "us-east", gateway: "g0", address: "127.0.0.1:1", state: "self", rttMs: undefined },
    { region: "eu-west", gateway: "g0", address: "127.0.0.1:2", state: "connected", rttMs: 71.5 },
  );
  gateway.book.join({
    region: "eu-west",
    incarnation: incarnation(1),
    revision: 3,
    clusterId: "c1",
    intent: "active",
    summaries: [
      {
        summary: "machines",
        definition: 5,
        text: "name: machines",
        fingerprint: SCHEMA.fingerprint,
        error: "where: no such function",
        refolding: false,
        matched: 9,
        skipped: 1,
        samples: [{ key: "/machines/x", reason: "not JSON" }],
      },
      {
        summary: "broken",
        definition: 6,
        text: "name: broken",
        fingerprint: "",
        error: "prefix: is missing",
        refolding: false,
        matched: 0,
        skipped: 0,
        samples: [],
      },
    ],
  });
});

beforeEach(() => {
  gateway.clockMs = 1_000;
  gateway.confirm("us-east", 3, 990);
  gateway.confirm("eu-west", 3, 900);
});

afterAll(() => served.stop());

/** Groups with the cells of their first four measures; cell-message.test.ts has the others. */
function plain(groups: readonly Group[]): unknown {
  return groups.map(({ key, cells: all }) => [
    key,
    ...all.slice(0, 4).map(({ value }) => {
      switch (value.case) {
        case "count":
          return Number(value.value);
        case "sum":
          return value.value.text;
        case "min":
        case "max":
          return value.value.value;
        default:
          return value.case;
      }
    }),
  ]);
}

describe("Get", () => {
  test("merges all regions, with each one's version, age, status and path", async () => {
    const answer = await served.client.unary(get, { summary: "machines" });
    expect(plain(answer.groups)).toEqual([
      [groupKey("api"), 5, "-7.500", 0.5, 3],
      [groupKey("api-2"), 7, "-10.500", 1.75, 7],
      [groupKey("web"), 1, "-1.500", 0.25, 1],
    ]);
    expect(answer.definition?.groupBy).toEqual(["value.app"]);
    expect(answer.definition?.measures.map((measure) => measure.kind)).toEqual([
      MeasureKind.COUNT,
      MeasureKind.SUM,
      MeasureKind.MIN,
      MeasureKind.MAX,
      MeasureKind.DISTINCT,
      MeasureKind.QUANTILES,
      MeasureKind.ANY,
      MeasureKind.LATEST,
      MeasureKind.SET,
      MeasureKind.TOP,
    ]);
    expect(answer.more).toBe(false);
    expect(answer.regions.map((one) => [one.region, one.status, one.path])).toEqual([
      ["ap-south", RegionStatus.UNREACHABLE, ""],
      ["eu-west", RegionStatus.FRESH, "direct"],
      ["us-east", RegionStatus.FRESH, "local"],
    ]);
    expect(answer.regions[0]).toMatchObject({ reason: "it was never heard of" });
    expect(answer.regions[0]?.maxAgeMs).toBeUndefined();
    expect(answer.regions[1]?.maxAgeMs).toBeCloseTo(100, 0);
    expect(answer.regions[1]?.version).toMatchObject({ incarnation: 1n, revision: 3n });
  });

  test("never gives an age that is smaller than it is when time goes on", async () => {
    gateway.clockMs = 60_000;
    const answer = await served.client.unary(get, { summary: "machines", regions: ["eu-west"] });
    expect(answer.regions).toHaveLength(1);
    expect(answer.regions[0]?.status).toBe(RegionStatus.STALE);
    expect(answer.regions[0]?.maxAgeMs).toBeGreaterThanOrEqual(59_100);
  });

  test("takes the groups, regions and pages that are asked for", async () => {
    const ask = async (request: object): Promise<unknown> => {
      const { groups, more } = await served.client.unary(get, { summary: "machines", ...request });
      return [groups.map(({ key }) => key), more];
    };
    const [api, api2, web] = [groupKey("api"), groupKey("api-2"), groupKey("web")];
    expect(await ask({ groups: { keys: [web, groupKey("absent")] } })).toEqual([[web], false]);
    expect(await ask({ groups: { prefix: "api" } })).toEqual([[api, api2], false]);
    expect(await ask({ regions: ["us-east"] })).toEqual([[api, web], false]);
    expect(await ask({ limit: 2 })).toEqual([[api, api2], true]);
    expect(await ask({ limit: 2, after: api2 })).toEqual([[web], false]);
  });

  test("shows each region's own groups when asked", async () => {
    const answer = await served.client.unary(get, { summary: "machines", byRegion: true });
    expect(answer.byRegion.map(({ region, groups }) => [region, plain(groups)])).toEqual([
      [
        "eu-west",
        [
          [groupKey("api"), 2, "-3.000", 0.5, 2],
          [groupKey("api-2"), 7, "-10.500", 1.75, 7],
        ],
      ],
      [
        "us-east",
        [
          [groupKey("api"), 3, "-4.500", undefined, 3],
          [groupKey("web"), 1, "-1.500", 0.25, 1],
        ],
      ],
    ]);
  });

  test("hands out the sketches behind estimates, when asked", async () => {
    const groups = { keys: [groupKey("web")] };
    const ask = async (sketches: boolean): Promise<unknown[]> => {
      const answer = await served.client.unary(get, { summary: "machines", groups, sketches });
      return (answer.groups[0] as Group).cells.flatMap(({ value }) =>
        value.case === "distinct" || value.case === "quantiles"
          ? [toBinaryKey(value.value.sketch)]
          : [],
      );
    };
    expect(await ask(false)).toEqual(["", ""]);
    expect(await ask(true)).toEqual(
      cells(1).flatMap((one) =>
        one.kind === "distinct" || one.kind === "quantiles" ? one.packed : [],
      ),
    );
  });

  test("answers with no groups for a summary that is defined but not published", async () => {
    const answer = await served.client.unary(get, { summary: "broken" });
    expect(answer.groups).toEqual([]);
    expect(answer.definition).toBeUndefined();
    expect(answer.regions).toHaveLength(3);
  });

  test.each([
    [{}, "INVALID_ARGUMENT", "summary: is empty"],
    [{ summary: "machine" }, "NOT_FOUND", 'no summary "machine"; there are broken, machines'],
    [
      { summary: "machines", regions: ["mars"] },
      "NOT_FOUND",
      'no region "mars"; there are ap-south, eu-west, us-east',
    ],
    [
      { summary: "machines", groups: { keys: ["[]", "api"] } },
      "INVALID_ARGUMENT",
      'groups.keys[1]: is "api", which is not a group key',
    ],
    [
      { summary: "machines", limit: MAX_GROUPS_PER_GET + 1 },
      "INVALID_ARGUMENT",
      "limit: is 10001; at most 10000 are allowed",
    ],
    [
      { summary: "machines", regions: Array.from({ length: 1_001 }, () => "us-east") },
      "INVALID_ARGUMENT",
      "regions: has 1001 elements; at most 1000 are allowed",
    ],
  ])("refuses %j by name", async (request, code, message) => {
    await expect(served.client.unary(get, request)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test("says that it has just started, not that a summary doesn't exist", async () => {
    const fresh = await Served.start(new FakeGateway());
    try {
      await expect(fresh.client.unary(get, { summary: "machines" })).rejects.toMatchObject({
        code: "UNAVAILABLE",
        message: "gateway g0 of us-east has just started and has no data yet",
      });
      expect((await fresh.client.unary(regions, {})).regions).toEqual([]);
    } finally {
      await fresh.stop();
    }
  });
});

describe("Regions", () => {
  test("tells where each stands, its gateways and its summaries", async () => {
    const answer = await served.client.unary(regions, {});
    expect([answer.region, answer.gateway]).toEqual(["us-east", "g0"]);
    expect(
      answer.regions.map(({ freshness, gateways, summaries: count }) => [
        freshness?.region,
        freshness?.status,
        gateways.map(({ state, rttMs }) => [state, rttMs]),
        count,
      ]),
    ).toEqual([
      ["ap-south", RegionStatus.UNREACHABLE, [], 0],
      ["eu-west", RegionStatus.FRESH, [["connected", 71.5]], 1],
      ["us-east", RegionStatus.FRESH, [["self", undefined]], 1],
    ]);
  });
});

describe("Summaries", () => {
  test("lists definitions, errors, skipped keys and roots of each region", async () => {
    const answer = await served.client.unary(summaries, {});
    const found = answer.summaries.map((one) => [one.region, one.summary, one.error, one.groups]);
    expect(found).toEqual([
      ["eu-west", "broken", "prefix: is missing", 0n],
      ["eu-west", "machines", "where: no such function", 2n],
      ["us-east", "machines", "", 2n],
    ]);
    const west = answer.summaries[1];
    expect(west).toMatchObject({
      text: "name: machines",
      modRevision: 5n,
      matched: 9n,
      skipped: 1n,
      published: { fingerprint: SCHEMA.fingerprint },
    });
    expect(west?.samples[0]).toMatchObject({ key: "/machines/x", reason: "not JSON" });
    expect(west?.root).toMatch(/^[0-9a-f]{64}$/);
    expect(answer.summaries[2]?.modRevision).toBe(BigInt(version(3).definition));
    const one = await served.client.unary(summaries, { summary: "broken", regions: ["eu-west"] });
    expect(one.summaries).toHaveLength(1);
    await expect(served.client.unary(summaries, { summary: "no" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });
});

test.each([
  [0n, 0, "0"],
  [-7_500n, 3, "-7.500"],
  [5n, 3, "0.005"],
  [-5n, 1, "-0.5"],
  [2n ** 70n, 2, "11805916207174113034.24"],
])("the decimal of %s at scale %i is %s", (scaled, scale, text) => {
  expect(decimalText(scaled, scale)).toBe(text);
});
