import { afterAll, beforeAll, expect, test } from "vitest";
import { Environment, type OutputForm } from "../../../deploy/cli/environment.js";
import { showRegions } from "../../../deploy/cli/regions.js";
import { startFakeGateway, topologyOf } from "./fake-gateway.js";

let gateway: Awaited<ReturnType<typeof startFakeGateway>>;
beforeAll(async () => {
  gateway = await startFakeGateway();
});
afterAll(() => gateway.stop());

async function shown(form: OutputForm): Promise<string> {
  let text = "";
  await showRegions(new Environment(topologyOf(gateway.address), form, (piece) => (text += piece)));
  return text;
}

test("atoll regions prints where each region stands, its gateways, and names that fail", async () => {
  expect((await shown("table")).split("\n")).toEqual([
    "REGION  STATUS  REVISION  AGE AT MOST  PATH    REASON  GATEWAYS",
    "east    fresh         42        13 ms  direct          g0 (self), g1 (connected)",
    "dns:east.test:1 fails: lost; 1 known by the answer of 2.0 s ago",
    "srv:east.test fails: not found",
    "as seen by g0 in east",
    "",
  ]);
});

test("as JSON it has all that is known of gateways and their names", async () => {
  expect(JSON.parse(await shown("json"))).toMatchObject({
    gateway: "g0",
    region: "east",
    regions: [
      {
        region: "east",
        revision: 42,
        summaries: 1,
        gateways: [
          { name: "g0", address: "127.0.0.1:1", state: "self", rttMs: null },
          { name: "g1", address: "127.0.0.1:2", state: "connected", rttMs: 0.5 },
        ],
        gatewayNames: [
          {
            name: "dns:east.test:1",
            addresses: ["127.0.0.1:2"],
            answerAgeMs: 2_000,
            error: "lost",
          },
          { name: "srv:east.test", addresses: [], answerAgeMs: null, error: "not found" },
        ],
      },
    ],
  });
});
