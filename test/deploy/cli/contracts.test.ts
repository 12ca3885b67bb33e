import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { getDigest } from "../../../deploy/cli/digest.js";
import { durationMs } from "../../../deploy/cli/duration.js";
import { Environment, type OutputForm } from "../../../deploy/cli/environment.js";
import { resolveGroup } from "../../../deploy/cli/resolve.js";
import { waitForWrite } from "../../../deploy/cli/wait.js";
import { FakeGateway, Served } from "../../global/api/fake-gateway.js";
import { History, incarnation, nonce } from "../../global/digest/model.js";
import { topologyOf } from "./fake-gateway.js";

let gateway: FakeGateway;
let served: Served;
beforeEach(async () => {
  gateway = new FakeGateway();
  served = await Served.start(gateway);
  const history = new History("us-east");
  history.step({ api: 3 });
  gateway.hear(history.whole(3));
  gateway.confirm("us-east", 3, 900);
  const report = { region: "us-east", incarnation: incarnation(1), revision: 3, summaries: [] };
  gateway.book.join({ ...report, clusterId: "c1", intent: "active" });
});
afterEach(() => served.stop());

function capture(form: OutputForm) {
  const out = { text: "" };
  const topology = topologyOf(served.address);
  return { out, environment: new Environment(topology, form, (text) => (out.text += text)) };
}

describe("digest wait", () => {
  const options = { region: "us-east", revision: "3", timeout: "20ms" };

  test("prints where the regions stand once the write is there", async () => {
    const { out, environment } = capture("json");
    await waitForWrite(environment, "machines", { ...options, clusterId: String(0xc1) });
    expect(JSON.parse(out.text)).toMatchObject({
      met: true,
      regions: [{ region: "us-east", revision: 3 }],
    });
  });

  test("fails with what isn't met when the time is over", async () => {
    const { environment } = capture("table");
    const late = { ...options, revision: "9", nonce: nonce("a") };
    await expect(waitForWrite(environment, "machines", late)).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      message: "contract: us-east: it is at revision 3; 9 is asked for",
    });
  });

  test.each([
    [{}, "--cluster-id or --nonce: name one of them"],
    [{ clusterId: "1", nonce: nonce("a") }, "--cluster-id or --nonce: name one of them"],
    [{ clusterId: "x" }, "--cluster-id: x is not a whole number"],
    [{ clusterId: "1", revision: "-3" }, "--revision: -3 is not a whole number"],
    [{ clusterId: "1", timeout: "soon" }, "--timeout: soon is not like 250ms, 3s or 2m"],
  ])("with %j is refused by option", async (more, message) => {
    const { environment } = capture("table");
    await expect(waitForWrite(environment, "machines", { ...options, ...more })).rejects.toThrow(
      message,
    );
  });
});

describe("resolve", () => {
  test("prints the regions in order, with reasons", async () => {
    const { out, environment } = capture("table");
    const options = { group: "api", region: [], capacity: "machines", minCapacity: "5" };
    await resolveGroup(environment, "machines", options);
    expect(out.text.split("\n")).toEqual([
      "REGION   SERVES  INTENT  CAPACITY   RTT  AGE AT MOST  NOTES",
      "us-east  no      active         3  0 ms       101 ms  its capacity is 3; at least 5 is needed",
      "as seen by g0 in us-east",
      "",
    ]);
  });

  test("prints JSON", async () => {
    const { out, environment } = capture("json");
    await resolveGroup(environment, "machines", { group: "api", region: [], maxStaleness: "50ms" });
    expect(JSON.parse(out.text)).toMatchObject({
      ...{ region: "us-east", gateway: "g0" },
      candidates: [
        {
          ...{ region: "us-east", eligible: false, intent: "active", capacity: null, rttMs: 0 },
          reasons: ["freshness"],
        },
      ],
    });
  });

  test("refuses a capacity that is no number", async () => {
    const { environment } = capture("table");
    const options = { group: "api", region: [], minCapacity: "much" };
    const call = resolveGroup(environment, "machines", options);
    await expect(call).rejects.toThrow("--min-capacity: much is not a number");
  });
});

test("digest get fails when a part may be older than allowed", async () => {
  const { environment } = capture("table");
  const filter = { groups: [], regions: [], maxStalenessMs: 50 };
  await expect(getDigest(environment, "machines", filter)).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: expect.stringContaining("us-east: it may be 101 ms old") as string,
  });
});

test("durations have a unit", () => {
  expect(["250ms", "3s", "1.5s", "2m"].map((text) => durationMs(text, "--x"))).toEqual([
    250, 3_000, 1_500, 120_000,
  ]);
});
