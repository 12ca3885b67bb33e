import { expect, test } from "vitest";
import { CLOUD_REGIONS, oneWayMs } from "../../wan/cloud-regions.js";
import { Convergence } from "./convergence.js";
import { directPush, gossip, SERF_WAN } from "./models.js";
import { placesOf } from "./places.js";

test("33 cloud regions are as far apart as was measured", () => {
  expect(CLOUD_REGIONS).toHaveLength(33);
  const at = (name: string): number => CLOUD_REGIONS.indexOf(name);
  expect(oneWayMs(at("us-east-1"), at("eu-west-1"))).toBeGreaterThan(30);
  expect(oneWayMs(at("us-east-1"), at("eu-west-1"))).toBeLessThan(40);
  for (const [from] of CLOUD_REGIONS.entries()) {
    for (const [to] of CLOUD_REGIONS.entries()) {
      expect(oneWayMs(from, to)).toBe(oneWayMs(to, from));
      expect(oneWayMs(from, to)).toBeGreaterThan(0);
    }
  }
  expect(() => oneWayMs(33, 0)).toThrow(/there is no cloud region 33/);
});

test("many regions have names of their own, by place or not", () => {
  for (const naming of ["by place", "at random"] as const) {
    const { names } = placesOf(1_000, naming);
    expect(new Set(names).size).toBe(1_000);
  }
  expect(placesOf(40, "by place").names[34]).toBe("ap-east-1-34");
  expect(placesOf(40, "by place").oneWayMs(1, 34)).toBe(0.5);
});

test("a direct push takes the way's time, and each region is sent to once", () => {
  const places = { names: ["a", "b", "c"], oneWayMs: (from: number, to: number) => from + to };
  const result = directPush(places, 300, 1);
  expect(result.messages).toBe(600);
  const spread = result.convergence.spread(2);
  expect(spread).toMatchObject({ p50Ms: 2, maxMs: 3, allP99Ms: 3, unfinished: 0 });
});

test("gossip reaches everybody, mostly more than once, within its budget of sends", () => {
  const regions = 33;
  const places = placesOf(regions, "by place");
  const { convergence, messages, duplicates } = gossip(places, 50, 1);
  const spread = convergence.spread(regions - 1);
  expect(spread.unfinished).toBeLessThanOrEqual(1);
  expect(spread.allP50Ms).toBeGreaterThan(2 * SERF_WAN.intervalMs);
  const budget = SERF_WAN.retransmitMult * Math.ceil(Math.log10(regions + 1));
  expect(messages / 50).toBeLessThanOrEqual(regions * budget);
  expect(messages - duplicates).toBeGreaterThanOrEqual(50 * (regions - 2));
  expect(duplicates).toBeGreaterThan(messages / 2);
});

test("only the first arrival counts, and later revisions bring the earlier ones", () => {
  const convergence = new Convergence();
  convergence.began("a", 2, 100);
  convergence.began("a", 3, 110);
  convergence.arrived("a", 3, "b", 150);
  convergence.arrived("a", 3, "b", 190);
  convergence.arrived("a", 2, "c", 120);
  const spread = convergence.spread(2);
  expect(spread).toMatchObject({ maxMs: 50, allP50Ms: 50, unfinished: 1 });
  expect(convergence.changes).toBe(2);
});
