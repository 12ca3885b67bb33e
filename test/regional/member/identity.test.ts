import { describe, expect, it } from "vitest";
import {
  type ClusterIdentity,
  foundCluster,
  memberIdOf,
  parseInitialCluster,
} from "../../../regional/member/identity.js";

const CLUSTER = "a=127.0.0.1:1,b=127.0.0.1:2,c=127.0.0.1:3";

function parseCluster(region: string, name: string, text: string): ClusterIdentity {
  return foundCluster(region, name, parseInitialCluster(name, text));
}

describe("a new cluster", () => {
  it("gives every member the same cluster and ids, whatever the order", () => {
    const a = parseCluster("eu", "a", CLUSTER);
    const b = parseCluster("eu", "b", "c=127.0.0.1:3, b=127.0.0.1:2, a=127.0.0.1:1");
    expect(a.clusterId).toBe(b.clusterId);
    expect(a.origin).toEqual(b.origin);
    expect(a.self.name).toBe("a");
    expect(a.self.id).toBe(memberIdOf("eu", "a"));
    expect(a.origin.map((m) => m.id)).toEqual(a.origin.map((m) => m.id).sort((x, y) => x - y));
    expect(a.origin.map((m) => m.peerUrl)).toContain("http://127.0.0.1:2");
  });

  it("tells regions and clusters apart", () => {
    const clusters = [
      parseCluster("eu", "a", CLUSTER),
      parseCluster("us", "a", CLUSTER),
      parseCluster("eu", "a", "a=127.0.0.1:1"),
      parseCluster("eu", "a", "a=127.0.0.1:4"),
    ];
    expect(new Set(clusters.map((c) => c.clusterId)).size).toBe(4);
    for (const { clusterId } of clusters) expect(Number.isSafeInteger(clusterId)).toBe(true);
    expect(memberIdOf("eu", "a")).not.toBe(memberIdOf("us", "a"));
  });

  it.each([
    ["", "is not name=host:port"],
    ["a", '"a" is not name=host:port'],
    ["A_=127.0.0.1:1", "is not name=host:port"],
    ["a=127.0.0.1", "--initial-cluster: a:"],
    ["a=127.0.0.1:1,a=127.0.0.1:2", 'names "a" twice'],
    ["a=127.0.0.1:1,b=127.0.0.1:1", "two members at 127.0.0.1:1"],
    ["b=127.0.0.1:1,c=127.0.0.1:2", 'doesn\'t name this member, "a", only'],
  ])("refuses %j", (text, message) => {
    expect(() => parseCluster("eu", "a", text)).toThrow(message);
  });
});
