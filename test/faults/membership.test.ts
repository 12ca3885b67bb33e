import { afterEach, describe, expect, test } from "vitest";
import { freePorts } from "../../shared/ports.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { leaderIndex, leaderTerm, moveLeader } from "./leader.js";
import { Operator } from "./members.js";
import { SteadyLoad } from "./steady-load.js";

/**
 * The members of a region change while clients write and read: a client that repeats calls
 * which found a member unavailable sees no error, and no acknowledged write is lost.
 */
let region: Region | undefined;
let operator: Operator | undefined;
afterEach(async () => {
  operator?.close();
  await region?.stop();
  region = undefined;
});

async function withLoad(
  all: readonly string[],
  change: (load: SteadyLoad) => Promise<readonly string[]>,
): Promise<void> {
  const load = new SteadyLoad(all);
  let survivors: readonly string[];
  try {
    await load.more(50);
    survivors = await change(load);
    await load.more(50);
  } finally {
    await load.stop();
  }
  expect(load.errors).toEqual([]);
  for (const endpoint of survivors) await load.checkAt(endpoint);
}

describe("a region under load", () => {
  test("grows from three members to five and shrinks to three, its leaders removed", async () => {
    const group = await startRegion({ members: 3 });
    region = group;
    const fourth = await group.prepare([0, 1, 2]);
    const fifth = await group.prepare([0, 1, 2, 3]);
    const admin = new Operator(group);
    operator = admin;
    await withLoad(group.endpoints, async (load) => {
      await admin.grow(fourth);
      await load.more(50);
      await admin.grow(fifth);
      const members = await admin.members();
      expect(members.map(({ name }) => name)).toEqual(
        expect.arrayContaining([0, 1, 2, 3, 4].map((i) => `member-${i}`)),
      );
      expect(members.filter(({ isLearner }) => isLearner)).toEqual([]);
      const left = new Set([0, 1, 2, 3, 4]);
      for (let round = 0; round < 2; round++) {
        const endpoints = [...left].map((index) => group.endpoints[index] as string);
        const leader = [...left][await leaderIndex(endpoints)] as number;
        await admin.remove(leader);
        await group.child(leader).exited;
        expect(group.child(leader).exitCode).toBe(0);
        expect(group.child(leader).output()).toContain("removed from the cluster for good");
        left.delete(leader);
        await load.more(50);
      }
      expect(await admin.members()).toHaveLength(3);
      return [...left].map((index) => group.endpoints[index] as string);
    });
  });

  test("replaces a member that died; its remains disturb nobody", async () => {
    const group = await startRegion({ members: 3 });
    region = group;
    const successor = await group.prepare([0, 1]);
    const admin = new Operator(
      group,
      [0, 1].map((index) => group.endpoints[index] as string),
    );
    operator = admin;
    await withLoad(group.endpoints, async (load) => {
      await group.child(2).kill();
      await load.more(20);
      await admin.remove(2);
      await admin.grow(successor);
      const living = [0, 1, successor].map((index) => group.endpoints[index] as string);
      const termBefore = await leaderTerm(living);
      const remains = group.launch(2);
      await remains.exited;
      expect(remains.exitCode).toBe(0);
      expect(remains.output()).toContain("removed from the cluster for good");
      const again = group.launch(2);
      await again.exited;
      expect(again.exitCode).toBe(1);
      expect(again.output()).toContain("was removed from its cluster");
      expect(again.output()).toContain(group.member(2).dataDir);
      await load.more(50);
      expect(await leaderTerm(living)).toBe(termBefore);
      return living;
    });
  });

  test("removes a member that stands still; when it goes on it stops for good", async () => {
    const group = await startRegion({ members: 3 });
    region = group;
    const admin = new Operator(group, group.endpoints.slice(0, 2));
    operator = admin;
    await withLoad(group.endpoints.slice(0, 2), async (load) => {
      const id = await admin.idOf(2);
      group.child(2).signal("SIGSTOP");
      await load.more(20);
      await admin.remove(2);
      const living = group.endpoints.slice(0, 2);
      const term = await leaderTerm(living);
      group.child(2).signal("SIGCONT");
      await group.child(2).exited;
      expect(group.child(2).exitCode).toBe(0);
      await load.more(50);
      expect(await leaderTerm(living)).toBe(term);
      expect((await admin.members()).map((member) => member.ID)).not.toContain(id);
      return living;
    });
  });

  test("moves a member to another address, which one that was down meanwhile finds too", async () => {
    const group = await startRegion({ members: 3 });
    region = group;
    const [port] = await freePorts(1);
    const peer = `127.0.0.1:${port}`;
    const admin = new Operator(group);
    operator = admin;
    await withLoad(group.endpoints, async (load) => {
      const id = await admin.idOf(2);
      await group.child(1).kill();
      await admin.move(id, peer);
      await group.child(2).stop();
      group.change(2, { peer });
      group.launch(2);
      await group.ready(2);
      await load.more(20);
      await moveLeader(group.endpoints, 2);
      // It knows nothing of the move: it hears of it from the leader that moved, when that calls.
      await group.restart(1);
      await group.child(0).kill();
      await load.more(50);
      await group.restart(0);
      expect((await admin.members()).flatMap(({ peerURLs }) => peerURLs)).toContain(
        `http://${peer}`,
      );
      return group.endpoints;
    });
  });
});
