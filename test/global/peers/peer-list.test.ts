import { describe, expect, test } from "vitest";
import { parseDnsServers, parsePeers } from "../../../global/peers/peer-list.js";

test("addresses and names are told apart, and a region may have both", () => {
  const { directory, names } = parsePeers(
    "west=h:1,west=dns:gw.west.example:2390,north=srv:_atoll._tcp.north.example.,south=[::1]:3",
    "--peers",
  );
  expect([...directory]).toEqual([
    ["west", ["h:1"]],
    ["north", []],
    ["south", ["[::1]:3"]],
  ]);
  expect(names).toEqual([
    {
      region: "west",
      name: "gw.west.example",
      port: 2390,
      text: "dns:gw.west.example:2390",
    },
    {
      region: "north",
      name: "_atoll._tcp.north.example",
      port: undefined,
      text: "srv:_atoll._tcp.north.example.",
    },
  ]);
});

describe("what is wrong is named", () => {
  const cases: [string, string, string][] = [
    ["no region", "h:1", '--peers: "h:1" is not REGION=HOST:PORT, REGION=dns:NAME:PORT or'],
    ["a name without port", "a=dns:gw.example", '"dns:gw.example" is not dns:NAME:PORT'],
    ["a port of 0", "a=dns:gw.example:0", '"dns:gw.example:0" is not dns:NAME:PORT'],
    ["no name", "a=dns::1", '"dns::1": "" is not a name of DNS'],
    ["an address as name", "a=dns:10.0.0.1:9", "10.0.0.1 is an address; give it as HOST:PORT"],
    ["an IPv6 address as name", "a=dns:[::1]:9", "[::1] is an address; give it as HOST:PORT"],
    ["an empty label", "a=dns:gw..example:9", '"gw..example" is not a name of DNS'],
    ["a label too long", `a=srv:${"x".repeat(64)}.example`, "labels of 1 to 63 of"],
    ["a name too long", `a=srv:${"x.".repeat(128)}`, "is not a name of DNS"],
    ["a port with SRV", "a=srv:gw.example:9", '"gw.example:9" is not a name of DNS'],
    ["a blank", "a=srv:gw example", '"gw example" is not a name of DNS'],
    ["twice", "a=srv:gw.example,a=srv:gw.example", '"a=srv:gw.example" is given twice'],
    ["two regions", "a=h:1,b=h:1", '"b=h:1" is given for a as well'],
  ];
  test.each(cases)("%s", (_, text, message) => {
    expect(() => parsePeers(text, "--peers")).toThrow(message);
  });

  test("DNS servers", () => {
    expect(parseDnsServers("10.0.0.2,10.0.0.3:5353,[::1]:53,[::1],::1", "s")).toHaveLength(5);
    for (const bad of ["dns.example", "10.0.0.2:0", "10.0.0.2:65536", ""]) {
      expect(() => parseDnsServers(bad, "--dns-servers")).toThrow(
        `--dns-servers: "${bad}" is not IP or IP:PORT`,
      );
    }
  });
});
