import { expect, test } from "vitest";
import { FLEET_DEFINITION } from "../../../deploy/playground/fleet.js";
import { FleetModel } from "../../../deploy/playground/fleet-model.js";
import { estimateDistinct } from "../../../global/digest/sketch/hyperloglog.js";
import { canonicalText } from "../../../global/summary/definition/definition.js";
import { parseDefinition } from "../../../global/summary/definition/parse.js";
import { tryOnSamples } from "../../../global/summary/definition/try-on-samples.js";
import { seededRandom } from "../../../shared/random.js";
import { Folding } from "../../global/summary/folding.js";

const definition = parseDefinition(FLEET_DEFINITION, "fleet");

test("the fleet's summary counts its healthy machines, spare cores, hosts and latency by app", () => {
  expect(JSON.parse(canonicalText(definition))).toEqual({
    name: "machines",
    prefix: "/machines/",
    where: 'value.status == "healthy"',
    groupBy: ["value.app"],
    measures: [
      ["machines", "count()"],
      ["spare", "sum(value.cpu_free, scale=3)"],
      ["hosts", "distinct(value.host)"],
      ["latency", "quantiles(value.p99_ms)"],
    ],
  });
});

test("the fleet's records are what its summary is made for", () => {
  const model = new FleetModel("eu-west", seededRandom(7));
  const folding = new Folding(definition);
  const machines = new Map<string, string>();
  for (let i = 0; i < 2_000; i++) {
    const write = model.next();
    if (write.kind === "delete") {
      machines.delete(write.key);
      folding.fold.delete(write.key);
    } else {
      machines.set(write.key, write.value);
      folding.putText(write.key, write.value);
    }
  }
  const samples = [...machines].map(([key, value]) => ({ key, value }));
  expect(tryOnSamples(definition, samples)).toEqual([]);
  expect(folding.fold.skippedCount).toBe(0);
  const healthy = samples
    .map(({ value }) => JSON.parse(value) as { app: string; status: string; host: string })
    .filter(({ status }) => status === "healthy");
  for (const [group, cells] of folding.groups()) {
    const own = healthy.filter(({ app }) => JSON.stringify([app]) === group);
    const hosts = new Set(own.map(({ host }) => host)).size;
    expect(cells?.[0]).toEqual({ kind: "count", count: own.length });
    expect(cells?.[2]?.kind === "distinct" && Math.round(estimateDistinct(cells[2].packed))).toBe(
      hosts,
    );
  }
  expect(folding.fold.groupCount).toBe(5);
});
