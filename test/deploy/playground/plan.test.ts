import { describe, expect, test } from "vitest";
import { parseOptions } from "../../../deploy/playground/options.js";
import {
  checkAgainstStored,
  listeners,
  planTopology,
  portsNeeded,
} from "../../../deploy/playground/plan.js";
import { must } from "../../../shared/assert.js";
import { parseTopology } from "../../../shared/topology.js";

const options = (...words: string[]) => must(parseOptions(words), "help was not asked for");
const stored = planTopology(options(), (offset) => 20_000 + offset);

describe("the plan of a playground", () => {
  test("puts every process at its documented port", () => {
    const two = planTopology(options("--gateways", "2"), (offset) => 20_000 + offset);
    expect(two.regions[1]?.members[2]).toEqual({
      name: "eu-west-m2",
      client: "127.0.0.1:20120",
      peer: "127.0.0.1:20121",
      http: "127.0.0.1:20122",
    });
    expect(two.regions[2]?.gateways[1]).toEqual({
      name: "ap-south-g1",
      grpc: "127.0.0.1:20260",
      http: "127.0.0.1:20261",
    });
  });

  test("never gives an address twice, up to the largest shape", () => {
    const largest = options("--members", "5", "--gateways", "3", "--regions", "a,b,c,d");
    const addresses = listeners(planTopology(largest, (o) => 20_000 + o)).map((l) => l.address);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(addresses).toHaveLength(portsNeeded(largest));
  });

  test("is a topology that can be read back", () => {
    expect(parseTopology(JSON.stringify(stored), "topology.json")).toEqual(stored);
  });
});

describe("options against a stored topology", () => {
  test("agree when left out or equal", () => {
    checkAgainstStored(options(), stored);
    checkAgainstStored(options("--members", "3", "--base-port", "20000"), stored);
    checkAgainstStored(options("--base-port", "0"), stored);
  });

  test.each([
    [["--members", "5"], /--members: the stored topology has 3 members in us-east, and 5/],
    [["--gateways", "2"], /--gateways: the stored topology has 1 gateways in us-east, and 2/],
    [["--regions", "a,b"], /--regions: the stored topology has us-east,eu-west,ap-south, and a,b/],
    [["--base-port", "21000"], /--base-port: .*127\.0\.0\.1:20000, and 127\.0\.0\.1:21000/],
  ])("%j is named as the difference", (words, reason) => {
    expect(() => checkAgainstStored(options(...words), stored)).toThrow(reason);
  });
});
