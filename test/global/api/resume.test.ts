import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Publication, Transfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import { NoticeKind } from "../../../shared/gen/atoll/global/v1/global_pb.js";
import { changes, groupKey, History, incarnation, OTHER_SCHEMA, version } from "../digest/model.js";
import { FakeGateway, type Follower, Served } from "./fake-gateway.js";
import { TwoRegions } from "./two-regions.js";

const API = groupKey("api");
const WEB = groupKey("web");

let world: TwoRegions;
let gateway: FakeGateway;
let served: Served;
let east: History;
let west: History;

beforeEach(async () => {
  world = await TwoRegions.start();
  ({ gateway, served, east, west } = world);
});

afterEach(() => served.stop());

/** Ends a subscription after its first heartbeat, and gives the token. */
async function tokenOf(follower: Follower): Promise<Uint8Array> {
  await follower.until("heartbeat");
  follower.cancel();
  return follower.token;
}

/** What a consumer is noticed of that goes on with a token at a gateway that has heard of this. */
async function elsewhere(
  news: readonly (Transfer | Publication)[],
  resumeToken: Uint8Array,
  meanwhile: (follower: Follower, other: FakeGateway) => Promise<void>,
): Promise<readonly number[]> {
  const other = new FakeGateway();
  const served = await Served.start(other);
  try {
    for (const piece of news) other.hear(piece);
    const follower = served.subscribe({ summaries: ["machines"], resumeToken });
    await meanwhile(follower, other);
    follower.cancel();
    return follower.notices;
  } finally {
    await served.stop();
  }
}

describe("a resume token", () => {
  test("brings only what is newer, from another gateway too", async () => {
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    const other = new FakeGateway();
    const elsewhere = await Served.start(other);
    try {
      other.hear(east.whole(3));
      other.hear(west.whole(3));
      east.step({ web: 2 });
      other.hear(east.delta(3, 4));
      const follower = elsewhere.subscribe({ summaries: ["machines"], resumeToken: token });
      const update = await follower.until("update");
      expect(update.reset).toBe(false);
      expect(update.groups.map(({ key }) => key)).toEqual([WEB]);
      const heartbeat = await follower.until("heartbeat");
      expect(heartbeat.complete).toBe(true);
      expect(follower.notices).toEqual([]);
      follower.cancel();
    } finally {
      await elsewhere.stop();
    }
  });

  test("brings removals, and groups of regions that came later", async () => {
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    world.stepEast({ web: undefined });
    const south = new History("ap-south");
    south.step({ api: 10 });
    gateway.hear(south.whole(3));
    const follower = served.subscribe({ summaries: ["machines"], resumeToken: token });
    const update = await follower.until("update");
    expect(update).toMatchObject({ reset: false, removed: [WEB] });
    expect(follower.count(API)).toBe(15);
    follower.cancel();
  });

  test("from before what can be told apart is a gap, and a reset follows", async () => {
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    east.step({ api: 8 });
    const other = new FakeGateway();
    const elsewhere = await Served.start(other);
    try {
      other.hear(east.whole(4));
      other.hear(west.whole(3));
      const follower = elsewhere.subscribe({ summaries: ["machines"], resumeToken: token });
      expect(await follower.until("notice")).toMatchObject({
        kind: NoticeKind.GAP,
        region: "us-east",
        summary: "machines",
      });
      expect(await follower.until("update")).toMatchObject({ reset: true });
      expect(follower.count(API)).toBe(10);
      follower.cancel();
    } finally {
      await elsewhere.stop();
    }
  });

  test("goes on where a section has come whole since, as the own region's after a restart", async () => {
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    east.step({ web: 1 });
    east.step({ api: 8 });
    gateway.hear(east.whole(5));
    const follower = served.subscribe({ summaries: ["machines"], resumeToken: token });
    const update = await follower.until("update");
    expect(update.reset).toBe(false);
    expect((await follower.until("heartbeat")).complete).toBe(true);
    expect(follower.notices).toEqual([]);
    expect(follower.count(API)).toBe(10);
    follower.cancel();
  });

  test("of an earlier life of a region says restore, and a reset follows", async () => {
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    gateway.hear(new History("us-east", { incarnation: incarnation(2, "b") }).whole(2));
    const follower = served.subscribe({ summaries: ["machines"], resumeToken: token });
    expect((await follower.until("notice")).kind).toBe(NoticeKind.RESTORE);
    expect(await follower.until("update")).toMatchObject({ reset: true });
    follower.cancel();
  });

  test("of another definition says so, and a reset follows", async () => {
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    for (const region of ["us-east", "eu-west"]) {
      gateway.hear({
        id: { region, summary: "machines" },
        to: version(9, { definition: 5 }),
        from: undefined,
        schema: OTHER_SCHEMA,
        changes: changes({ api: 1 }),
      });
    }
    const follower = served.subscribe({ summaries: ["machines"], resumeToken: token });
    expect((await follower.until("notice")).kind).toBe(NoticeKind.DEFINITION_CHANGE);
    expect(await follower.until("update")).toMatchObject({ reset: true });
    follower.cancel();
  });

  test("that is ahead of this gateway waits for it, so that nothing goes back", async () => {
    world.stepEast({ api: 8 });
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    const other = new FakeGateway();
    const elsewhere = await Served.start(other);
    try {
      other.hear(east.whole(3));
      other.hear(west.whole(3));
      const follower = elsewhere.subscribe({ summaries: ["machines"], resumeToken: token });
      expect(await follower.until("notice")).toMatchObject({
        kind: NoticeKind.BEHIND,
        region: "us-east",
      });
      const heartbeat = await follower.until("heartbeat");
      expect(heartbeat.complete).toBe(false);
      east.step({ web: 9 });
      other.hear(east.delta(3, 5));
      const update = await follower.until("update");
      expect(update).toMatchObject({ reset: false });
      expect(follower.count(WEB)).toBe(9);
      expect((await follower.until("heartbeat")).complete).toBe(true);
      follower.cancel();
    } finally {
      await elsewhere.stop();
    }
  });

  test("that moved on without news goes on at a gateway that hasn't, such as one that was killed", async () => {
    world.stepEast({});
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    const notices = await elsewhere([east.whole(3), west.whole(3)], token, async (follower) => {
      expect((await follower.until("heartbeat")).complete).toBe(true);
    });
    expect(notices).toEqual([]);
  });

  test("that was read anew with the same groups goes on where they are, and waits where they aren't", async () => {
    east.step({ web: 9 });
    east.step({ web: 1 });
    gateway.hear(east.publication(undefined, 5));
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    const same = await elsewhere([east.whole(3), west.whole(3)], token, async (follower) => {
      expect((await follower.until("heartbeat")).complete).toBe(true);
    });
    expect(same).toEqual([]);
    const between = [east.whole(3), east.delta(3, 4), west.whole(3)];
    const others = await elsewhere(between, token, async (follower, other) => {
      expect((await follower.until("heartbeat")).complete).toBe(false);
      other.hear(east.delta(4, 5));
      expect((await follower.until("heartbeat")).complete).toBe(true);
      expect(follower.groups.get("machines")?.size ?? 0).toBe(0);
    });
    expect(others).toEqual([NoticeKind.BEHIND]);
  });

  test("from within what a gateway hasn't seen goes on from when its groups were the same", async () => {
    world.stepEast({});
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    for (const step of [{ web: 7 }, { web: 1 }, { api: 8 }]) east.step(step);
    const news = [east.whole(3), east.publication(undefined, 7), west.whole(3)];
    const asked = vi.spyOn(GlobalState.prototype, "transferSince");
    const notices = await elsewhere(news, token, async (follower) => {
      expect(await follower.until("update")).toMatchObject({ reset: false });
      expect(follower.count(API)).toBe(10);
      expect(follower.groups.get("machines")?.has(WEB)).toBe(false);
    });
    expect(notices).toEqual([]);
    // All groups are not put together for each consumer that comes.
    const told = asked.mock.results.map(({ value }) => (value as Transfer | undefined)?.kind);
    asked.mockRestore();
    expect(told).toContain("delta");
    expect(told).not.toContain("whole");
  });

  test("that can't be read, or is of other filters, is a reset", async () => {
    const token = await tokenOf(served.subscribe({ summaries: ["machines"] }));
    for (const [request, resumeToken] of [
      [{ summaries: ["machines"] }, new Uint8Array([1, 2, 3])],
      [{ summaries: ["machines"], byRegion: true }, token],
    ] as const) {
      const follower = served.subscribe({ ...request, summaries: ["machines"], resumeToken });
      expect((await follower.until("notice")).kind).toBe(NoticeKind.RESET);
      expect(await follower.until("update")).toMatchObject({ reset: true });
      follower.cancel();
    }
  });
});
