import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getDigest, groupKey, groupText } from "../../../deploy/cli/digest.js";
import { watchDigest } from "../../../deploy/cli/digest-watch.js";
import { Environment, type OutputForm } from "../../../deploy/cli/environment.js";
import { freePorts } from "../../../shared/ports.js";
import { startFakeGateway, topologyOf } from "./fake-gateway.js";

let gateway: Awaited<ReturnType<typeof startFakeGateway>>;
beforeAll(async () => {
  gateway = await startFakeGateway();
});
afterAll(() => gateway.stop());

function capture(form: OutputForm, ...addresses: string[]) {
  const out = { text: "" };
  const topology = topologyOf(...(addresses.length > 0 ? addresses : [gateway.address]));
  return { out, environment: new Environment(topology, form, (text) => (out.text += text)) };
}

describe("digest get", () => {
  test("prints all pages as one table, and how old each region's part is", async () => {
    const { out, environment } = capture("table");
    await getDigest(environment, "m", { groups: [], regions: [] });
    expect(out.text.split("\n")).toEqual([
      "GROUP     machines  slowest   hosts  latency p50  latency p90  latency p99",
      "api              3      9.5  150 ±2         4.95            8           99",
      "batch, 1         1        -   50 ±1         4.95            8           99",
      "web              2        4  100 ±2         4.95            8           99",
      "",
      "REGION  STATUS  REVISION  AGE AT MOST  PATH    REASON",
      "east    fresh         42        13 ms  direct",
      "not merged, on another definition: west",
      "",
    ]);
  });

  test("prints JSON", async () => {
    const { out, environment } = capture("json");
    await getDigest(environment, "m", { groups: ["api"], regions: [] });
    expect(JSON.parse(out.text)).toMatchObject({
      summary: "m",
      groups: [
        {
          group: ["api"],
          measures: {
            machines: 3,
            slowest: 9.5,
            hosts: { estimate: 150, standardError: 2.4375 },
            latency: {
              count: 9,
              min: 1.01,
              p50: 4.949,
              p90: 8,
              p99: 99.01,
              p999: 99.01,
              max: 1234.5,
            },
          },
        },
        { group: ["batch", 1], measures: { machines: 1, slowest: null } },
        { group: ["web"], measures: { machines: 2, slowest: 4 } },
      ],
      regions: [{ region: "east", revision: 42, status: "fresh", maxAgeMs: 12.5 }],
      otherDefinition: ["west"],
    });
    expect(gateway.asked.at(-1)).toContain('get m ["api"] after');
  });

  test("asks the next gateway when one is down, and names all when none answers", async () => {
    const [dead] = await freePorts(1);
    const { out, environment } = capture("json", `127.0.0.1:${dead}`, gateway.address);
    await getDigest(environment, "m", { groups: [], regions: [] });
    expect(out.text).toContain('"api"');
    const alone = capture("json", `127.0.0.1:${dead}`);
    await expect(
      getDigest(alone.environment, "m", { groups: [], regions: [] }),
    ).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining(`no gateway answers (127.0.0.1:${dead}: `),
    });
  });
});

test("digest watch prints each event, and resumes with the token when the stream ends", async () => {
  const stop = new AbortController();
  const out = { text: "" };
  const environment = new Environment(topologyOf(gateway.address), "table", (text) => {
    out.text += text;
    if (out.text.split("restored").length > 2) stop.abort();
  });
  await watchDigest(environment, "m", { groups: [], regions: [] }, stop.signal);
  const once = [
    "-- snapshot",
    "api  machines=3  slowest=9.5  hosts=150 ±2  latency=p50:4.95,p90:8,p99:99",
    "api  removed",
    "-- east was restored",
  ];
  expect(out.text.trimEnd().split("\n")).toEqual([...once, ...once]);
  expect(gateway.asked.filter((asked) => asked.startsWith("subscribe")).slice(0, 2)).toEqual([
    "subscribe m token 0",
    "subscribe m token 3",
  ]);
});

test("a group is typed as a value or as a JSON array, and shown as its values", () => {
  expect(groupKey("api")).toBe('["api"]');
  expect(groupKey('["api", 1]')).toBe('["api",1]');
  expect(() => groupKey("[api")).toThrow("--group: [api is not a JSON array");
  expect(groupText('["api",1,true]')).toBe("api, 1, true");
  expect(groupText("[]")).toBe("(all)");
});
