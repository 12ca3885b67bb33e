import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contractOf } from "../../../deploy/cli/contract-options.js";
import { getDigest } from "../../../deploy/cli/digest.js";
import { watchDigest } from "../../../deploy/cli/digest-watch.js";
import { durationMs } from "../../../deploy/cli/duration.js";
import { Environment, type OutputForm } from "../../../deploy/cli/environment.js";
import { resolveGroup } from "../../../deploy/cli/resolve.js";
import { waitForWrite } from "../../../deploy/cli/wait.js";
import { OnMiss } from "../../../shared/gen/atoll/global/v1/contract_pb.js";
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
    [{ nonce: "77" }, "--nonce: 77 is not 32 lower-case hexadecimal digits"],
    [{ clusterId: "1", region: undefined }, "--region: say in which region"],
    [{ clusterId: "1", revision: undefined }, "--revision: give that of the put's answer"],
    [{ region: undefined, revision: undefined }, "--region and --revision: say which write"],
    [{ clusterId: "1", minVersion: ["us-east=4@1"] }, "--min-version: us-east is named twice"],
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

describe("a contract on the command line", () => {
  test("has ages and versions of all regions and of single ones", () => {
    const contract = contractOf({
      maxStaleness: ["5s", "eu-west=250ms"],
      minVersion: [`eu-west=812@${nonce("a")}`, "us-east=9@14841639068965178418"],
      annotate: true,
    });
    expect(contract).toEqual({
      maxStalenessMs: 5_000,
      onMiss: OnMiss.ANNOTATE,
      regions: [
        {
          region: "eu-west",
          maxStalenessMs: 250,
          minVersion: { revision: 812n, life: { case: "nonce", value: nonce("a") } },
        },
        {
          region: "us-east",
          minVersion: { revision: 9n, life: { case: "clusterId", value: 14841639068965178418n } },
        },
      ],
    });
  });

  test.each([
    [{ maxStaleness: ["eu-west=5"] }, "--max-staleness: 5 is not like 250ms, 3s or 2m"],
    [{ minVersion: ["812"] }, "--min-version: 812 is not REGION=REVISION@CLUSTER-ID, or @NONCE"],
    [{ minVersion: ["eu-west=x@1"] }, "--min-version: x is not a whole number"],
    [{ minVersion: ["eu-west=1@cafe"] }, "--min-version: cafe is not a whole number"],
    [{ minVersion: ["a=1@1", "a=2@1"] }, "--min-version: a is named twice"],
  ])("with %j is refused by option", (options, message) => {
    expect(() => contractOf(options)).toThrow(message);
  });

  test("is annotated by digest get and wait where that is asked for", async () => {
    const contract = contractOf({ maxStaleness: ["50ms"], annotate: true });
    const table = capture("table");
    await getDigest(table.environment, "machines", { groups: [], regions: [], contract });
    const asked = "it may be 101 ms old; at most 50 ms is allowed";
    expect(table.out.text).toContain(asked);
    const json = capture("json");
    const late = { minVersion: ["us-east=9@193"], timeout: "20ms", annotate: true };
    await waitForWrite(json.environment, "machines", late);
    expect(JSON.parse(json.out.text)).toMatchObject({
      met: false,
      regions: [{ region: "us-east", misses: [{ kind: "behind", final: false }] }],
    });
  });

  test("is told by digest watch when what is missed changes, not with every age", async () => {
    const contract = contractOf({ maxStaleness: ["150ms"], annotate: true });
    const stop = new AbortController();
    const out = { text: "" };
    const environment = new Environment(topologyOf(served.address), "table", (text) => {
      out.text += text;
      if (text.includes("old; at most 150 ms")) gateway.confirm("us-east", 3, gateway.clockMs);
      if (text.includes("again")) stop.abort();
    });
    const watching = watchDigest(
      environment,
      "machines",
      { groups: [], prefix: "ap", regions: [], contract },
      stop.signal,
    );
    gateway.clockMs += 100;
    await watching;
    expect(out.text.trim().split("\n")).toEqual([
      "-- snapshot",
      expect.stringMatching(/^api {2}machines=3/) as string,
      expect.stringMatching(
        /^-- us-east: it may be \d+ ms old; at most 150 ms is allowed$/,
      ) as string,
      "-- us-east: meets the contract again",
    ]);
  });
});

test("digest get fails when a part may be older than allowed", async () => {
  const { environment } = capture("table");
  const filter = { groups: [], regions: [], contract: { maxStalenessMs: 50 } };
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
