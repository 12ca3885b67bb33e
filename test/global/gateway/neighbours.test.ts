import { expect, test } from "vitest";
import { GlobalState } from "../../../global/digest/global-state.js";
import { ReportBook } from "../../../global/digest/report.js";
import { Neighbours } from "../../../global/gateway/neighbours.js";
import { MeshCore } from "../../../global/mesh/core/mesh-core.js";
import type { SourceStatus } from "../../../global/source/types.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import { sha256 } from "../../../shared/hash.js";
import { MESH_LINK_DEAD_MS } from "../../../shared/limits.js";
import { seededRandom } from "../../../shared/random.js";

const INCARNATION = { counter: 1, nonce: "ab".repeat(16), baseRevision: 0, parentNonce: "" };
const LIVE: SourceStatus = {
  trouble: undefined,
  state: "live",
  endpoint: "127.0.0.1:1",
  revision: 4,
};

function begin(status: SourceStatus = LIVE) {
  const state = new GlobalState(sha256);
  const directory = new Map([
    ["east", ["east:1", "east:2"]],
    ["west", ["west:1"]],
    ["north", ["north:1"]],
  ]);
  const core = new MeshCore({
    region: "east",
    gateway: "g0",
    foldSemantics: 1,
    directory,
    state,
    freshness: new FreshnessBook(state),
    reports: new ReportBook(),
    random: seededRandom(1),
  });
  let ageMs = 100;
  const neighbours = new Neighbours({
    region: "east",
    gateway: "g0",
    address: "east:1",
    core,
    sourceStatus: () => status,
    ageNowMs: () => ageMs,
  });
  return {
    core,
    neighbours,
    sight: (region: string, ...path: string[]) =>
      core.book.sight({
        region,
        incarnation: INCARNATION,
        revision: 4,
        sections: 0,
        asOfMs: 90,
        path,
      }),
    link: (region: string) => neighbours.links().get(region),
    wait: (ms: number) => {
      ageMs += ms;
    },
  };
}

test("a region is reached directly, through a sibling just as directly, or by a relay", () => {
  const { sight, link } = begin();
  sight("west", "east", "west");
  sight("north", "east", "west", "north");
  expect(link("west")).toEqual({ reachable: true, path: "direct", reason: "" });
  expect(link("north")).toEqual({ reachable: true, path: "relay:west", reason: "" });
  const other = begin();
  other.sight("west", "east", "east", "west");
  other.sight("north", "east", "east", "west", "north");
  expect(other.link("west")?.path).toBe("direct");
  expect(other.link("north")?.path).toBe("relay:west");
});

test("a region that nobody has named is there while another one brings its news", () => {
  const { sight, link, wait } = begin();
  expect(link("south")).toBeUndefined();
  sight("south", "east", "west", "south");
  expect(link("south")).toEqual({ reachable: true, path: "relay:west", reason: "" });
  wait(MESH_LINK_DEAD_MS + 100);
  expect(link("south")).toBeUndefined();
});

test("a region from which nothing comes says why, and so does one that fell silent", () => {
  const { core, sight, link, wait } = begin();
  expect(link("west")).toEqual({
    reachable: false,
    path: "",
    reason: "nothing has come from it yet",
  });
  sight("west", "east", "west");
  wait(MESH_LINK_DEAD_MS + 100);
  const now = { monotonicMs: 1_000, ageMs: 1_000 };
  core.tick(now);
  core.closed("west:1", core.links.get("west:1")?.session ?? 0, "connection refused", now);
  expect(link("west")).toEqual({ reachable: false, path: "", reason: "connection refused" });
});

test("the own region is what its source says", () => {
  const reason = (status: SourceStatus) => begin(status).link("east");
  expect(reason(LIVE)).toEqual({ reachable: true, path: "local", reason: "" });
  expect(reason({ ...LIVE, trouble: "permission denied" })).toEqual({
    reachable: true,
    path: "local",
    reason: "permission denied",
  });
  const loading = { state: "loading", endpoint: "a:1", keys: 12, trouble: undefined } as const;
  expect(reason({ ...loading, expected: undefined })?.reason).toContain("12 keys so far");
  expect(reason({ ...loading, expected: 50 })?.reason).toContain("12 keys so far of about 50");
  expect(reason({ ...loading, expected: 50, trouble: "denied" })?.reason).toBe("denied");
  expect(reason({ state: "connecting", error: "refused" })).toEqual({
    reachable: false,
    path: "",
    reason: "refused",
  });
  expect(reason({ state: "connecting", error: undefined })?.reason).toContain("connecting");
  const refused = reason({ state: "refused", reason: "a rewound copy", command: "atoll x" });
  expect(refused?.reason).toBe("a rewound copy; if that is right, run atoll x east");
});

test("the own region that comes by another way while its source is lost says both", () => {
  const lost: SourceStatus = { state: "connecting", error: "no member answers" };
  const sibling = begin(lost);
  sibling.sight("east", "east", "east");
  expect(sibling.link("east")).toEqual({
    reachable: true,
    path: "relay:east",
    reason: "no member answers",
  });
  const abroad = begin(lost);
  abroad.sight("east", "east", "west", "east");
  expect(abroad.link("east")?.path).toBe("relay:west");
});

test("peers are all gateways of the directory, this one as itself", () => {
  const { core, neighbours } = begin();
  core.tick({ monotonicMs: 0, ageMs: 0 });
  const peers = neighbours.peers();
  expect(peers[0]).toEqual({
    region: "east",
    gateway: "g0",
    address: "east:1",
    state: "self",
    rttMs: undefined,
  });
  expect(peers.map(({ address }) => address).sort()).toEqual([
    "east:1",
    "east:2",
    "north:1",
    "west:1",
  ]);
  expect(peers.find(({ address }) => address === "west:1")?.state).toBe("connecting");
});
