import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type ClusterDescription,
  decodeDescription,
  encodeDescription,
} from "../../../regional/member/description.js";
import { foundCluster, type NamedPeer } from "../../../regional/member/identity.js";
import { joinCluster, placeIn } from "../../../regional/member/join.js";
import { utf8 } from "../../../shared/bytes.js";
import { freePorts } from "../../../shared/ports.js";
import { TestPeer } from "../peer/peers.js";

const at = (name: string, port: number): NamedPeer => ({
  name,
  peer: { host: "127.0.0.1", port },
});
const [a, b, c] = [at("a", 1), at("b", 2), at("c", 3)];
const founded = foundCluster("eu", "a", [a, b]);

/** The cluster of a and b, to which c was added. */
function cluster(fields: Partial<ClusterDescription> = {}): ClusterDescription {
  const member = (id: number, name: string, port: number): ClusterDescription["members"][0] => ({
    id,
    name,
    peerUrls: [`http://127.0.0.1:${port}`],
    isLearner: false,
  });
  return {
    region: "eu",
    clusterId: founded.clusterId,
    origin: [...founded.origin],
    members: [member(11, "a", 1), member(22, "b", 2), member(33, "", 3)],
    ...fields,
  };
}

const options = { region: "eu", name: "c", members: [a, b, c] };

describe("a member that joins", () => {
  it("has the id under which it was added, and the cluster's origin", () => {
    expect(placeIn(options, cluster())).toEqual({
      region: "eu",
      clusterId: founded.clusterId,
      self: { id: 33, name: "c" },
      origin: founded.origin,
    });
  });

  it.each([
    ["of another region", options, { region: "us" }, 'of region "us", this member of "eu"'],
    [
      "that was not added",
      options,
      { members: cluster().members.slice(0, 2) },
      "etcdctl member add c --peer-urls=http://127.0.0.1:3",
    ],
    [
      "that names a stranger",
      { ...options, members: [a, b, c, at("d", 4)] },
      {},
      "no member at http://127.0.0.1:4, which --initial-cluster names as d",
    ],
    [
      "that leaves somebody out",
      { ...options, members: [a, c] },
      {},
      "the member b (16) at http://127.0.0.1:2, which --initial-cluster doesn't name",
    ],
    [
      "that has started before",
      options,
      { members: cluster().members.map((member) => ({ ...member, name: "old" })) },
      'has started before, as "old"',
    ],
  ])("is refused when it is one %s", (_what, told, fields, text) => {
    expect(() => placeIn(told, cluster(fields))).toThrow(text);
  });
});

describe("the question", () => {
  let peer: TestPeer;
  beforeEach(async () => {
    peer = await new TestPeer(1).start();
  });
  afterEach(() => peer.transport.close());

  it("goes to one member after the other until one answers", async () => {
    const [nobody = 0] = await freePorts(1);
    const members = [at("a", nobody), at("b", peer.port), c];
    const { region, clusterId, origin } = cluster();
    let asked = 0;
    peer.description = async () => {
      asked++;
      if (asked === 1) throw new Error("no leader");
      const list = [at("a", nobody), at("b", peer.port), c].map(({ peer: place }, i) => ({
        id: i + 1,
        name: i === 2 ? "" : "old",
        peerUrls: [`http://127.0.0.1:${place.port}`],
        clientUrls: [],
        isLearner: false,
      }));
      return encodeDescription({ region, clusterId, self: { id: 2, name: "b" }, origin }, list);
    };
    const identity = await joinCluster({ region: "eu", name: "c", members }, 5_000);
    expect(identity.self).toEqual({ id: 3, name: "c" });
    expect(asked).toBe(2);
  });

  it("is given up when nobody answers, naming each and its reason", async () => {
    const [nobody = 0] = await freePorts(1);
    const members = [at("a", nobody), at("b", peer.port), c];
    const failing = joinCluster({ region: "eu", name: "c", members }, 50);
    await expect(failing).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(
        new RegExp(`no member describes the cluster: .*:${nobody}: .*; .*:${peer.port}: nothing`),
      ),
    });
  });

  it.each([
    ["not JSON", "{", "is not JSON"],
    ["of no cluster", "{}", "region:"],
    ["with an id that is none", JSON.stringify(cluster({ clusterId: 0.5 })), "clusterId:"],
  ])("takes no answer that is %s", (_what, text, reason) => {
    expect(() => decodeDescription(utf8(text))).toThrow(reason);
  });
});
