import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Environment, findTopologyFile } from "../../../deploy/cli/environment.js";
import { formatAge } from "../../../deploy/cli/freshness.js";
import { readTopology } from "../../../shared/topology.js";
import { topologyOf } from "./fake-gateway.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atoll-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the option goes before the environment, and a file that isn't there is named", () => {
  const [a, b] = [join(folder, "a.json"), join(folder, "b.json")];
  writeFileSync(a, JSON.stringify(topologyOf("h:1")));
  writeFileSync(b, JSON.stringify(topologyOf("h:2")));
  expect(findTopologyFile(a, { ATOLL_TOPOLOGY: b })).toBe(a);
  expect(findTopologyFile(undefined, { ATOLL_TOPOLOGY: b })).toBe(b);
  expect(() => readTopology(findTopologyFile(join(folder, "none"), {}))).toThrow(
    `can't read the topology file ${join(folder, "none")}`,
  );
});

test("an unknown region is named beside those that there are", () => {
  const environment = new Environment(topologyOf(), "table", () => {});
  expect(() => environment.regions(["mars"])).toThrow(
    '--region: there is no region "mars"; there are east',
  );
  expect(environment.regions([]).map((region) => region.name)).toEqual(["east"]);
});

test.each([
  [undefined, "unknown"],
  [0.2, "1 ms"],
  [999, "999 ms"],
  [1_500, "1.5 s"],
  [180_000, "3 min"],
])("an age of %s is %s", (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});
