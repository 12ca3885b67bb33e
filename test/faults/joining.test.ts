import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Region, startRegion } from "../peers/atoll.js";
import { Operator } from "./members.js";

/** Members that can't start say why, with exit code 1, and leave nothing behind. */
let region: Region;
let operator: Operator;
beforeAll(async () => {
  region = await startRegion({ members: 3 });
  operator = new Operator(region);
});
afterAll(async () => {
  operator.close();
  await region.stop();
});

/** Starts a member that is to fail; its output. */
async function refusal(index: number): Promise<string> {
  const child = region.launch(index);
  await child.exited;
  expect(child.exitCode).toBe(1);
  return child.output();
}

describe("a member that wants to join", () => {
  test("must have been added, by the address under which it says it is", async () => {
    const index = await region.prepare([0, 1, 2]);
    const { name, peer } = region.member(index);
    const output = await refusal(index);
    expect(output).toContain(`it has no member at http://${peer}`);
    expect(output).toContain(`etcdctl member add ${name} --peer-urls=http://${peer}`);
  });

  test("must name the cluster's members, all of them and nobody else", async () => {
    const some = await region.prepare([0, 1]);
    const left = await operator.idOf(2);
    expect(await refusal(some)).toContain(`the member member-2 (${left.toString(16)})`);
    const stranger = await region.prepare([0, 1, 2, some]);
    await operator.add(stranger, true);
    const place = `http://${region.member(some).peer}`;
    expect(await refusal(stranger)).toContain(`no member at ${place}, which --initial-cluster`);
    await operator.remove(stranger);
  });

  test("must be of the cluster's region", async () => {
    const elsewhere = await startRegion({ members: 1, region: "elsewhere" });
    try {
      const index = await elsewhere.prepare([]);
      const initialCluster = `${region.member(0).initialCluster},member-1=${elsewhere.member(index).peer}`;
      elsewhere.change(index, { initialCluster: initialCluster.replace("member-1=", "other=") });
      const child = elsewhere.launch(index);
      await child.exited;
      expect(child.output()).toContain('it is of region "test", this member of "elsewhere"');
    } finally {
      await elsewhere.stop();
    }
  });

  test("must not come back without its data", async () => {
    const index = await region.prepare([0, 1, 2]);
    await operator.grow(index);
    await region.child(index).kill();
    await rm(region.member(index).dataDir, { recursive: true });
    expect(await refusal(index)).toContain("has started before");
    await operator.remove(index);
  });
});

describe("a member that starts again", () => {
  test("may be told anything of the first members: its directory knows", async () => {
    await region.child(0).kill();
    region.change(0, { initialCluster: `member-0=${region.member(0).peer}` });
    await region.restart(0);
    expect(await operator.members()).toHaveLength(3);
  });

  test("must have the name that its directory says", async () => {
    await region.child(1).kill();
    const { name, initialCluster } = region.member(1);
    region.change(1, {
      name: "another",
      initialCluster: initialCluster.replace("member-1", "another"),
    });
    const output = await refusal(1);
    expect(output).toContain(region.member(1).dataDir);
    expect(output).toContain('is of name "member-1", but --name is "another"');
    region.change(1, { name, initialCluster });
    await region.restart(1);
  });
});
