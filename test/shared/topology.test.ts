import { describe, expect, test } from "vitest";
import { parseTopology, readTopology } from "../../shared/topology.js";

const member = { name: "m", client: "h:1", peer: "h:2", http: "h:3" };
const region = {
  name: "a",
  members: [member],
  gateways: [{ name: "g", grpc: "h:4", http: "[::1]:5" }],
};

describe("a topology file", () => {
  test("is read whole", () => {
    expect(parseTopology(JSON.stringify({ regions: [region] }), "t.json")).toEqual({
      regions: [region],
    });
  });

  test.each([
    ["{", /^t\.json is not JSON/],
    ["{}", /^t\.json: regions/],
    ['{"regions":[]}', /^t\.json: regions/],
    [JSON.stringify({ regions: [{ ...region, members: [] }] }), /^t\.json: regions\.0\.members/],
    [
      JSON.stringify({ regions: [{ ...region, name: "A b" }] }),
      /^t\.json: regions\.0\.name: is not a name/,
    ],
    [
      JSON.stringify({ regions: [{ ...region, members: [{ ...member, peer: "h" }] }] }),
      /members\.0\.peer: is not host:port/,
    ],
    [JSON.stringify({ regions: [region, region] }), /two regions are named "a"/],
    [JSON.stringify({ regions: [{ ...region, color: 1 }] }), /regions\.0.*color/],
  ])("%s is refused by field", (text, reason) => {
    expect(() => parseTopology(text, "t.json")).toThrow(reason);
  });

  test("that isn't there is named", () => {
    expect(() => readTopology("/nowhere/t.json")).toThrow(
      "can't read the topology file /nowhere/t.json",
    );
  });
});
