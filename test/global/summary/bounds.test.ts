import { describe, expect, test } from "vitest";
import { byApp, count, groups, machine, machines } from "./machines.js";
import { Follower, World } from "./world.js";

describe("a summary over its bounds", () => {
  test("is refused, says so, and comes back when it fits", () => {
    const world = new World();
    world.define("s", byApp("s", "/m/"));
    const follower = new Follower(world, { limits: { maxGroups: 2 } }).read(10);
    const retry = (calls: number): void => {
      for (let i = 0; i < calls; i++) follower.take(follower.engine.retryRefused());
      follower.serveAll();
    };
    for (const app of ["a", "b", "c"]) world.write(`/m/${app}`, machine(app));
    follower.follow();
    expect(follower.held.get("s")?.version.revision).toBeLessThan(world.revision);
    expect(follower.engine.statuses()).toMatchObject([
      {
        error: "it has more than 2 groups; group by less",
        rows: 0,
        publishedDefinition: undefined,
      },
    ]);
    for (let i = 0; i < 8; i++) follower.take(follower.engine.retryRefused());
    expect(follower.engine.statuses()).toMatchObject([
      { refolding: true, error: expect.stringContaining("more than 2 groups") },
    ]);
    follower.serveAll();
    expect(follower.engine.statuses()[0]?.error).toMatch(/more than 2 groups/);
    world.write("/m/a", undefined);
    follower.follow();
    retry(8);
    expect(groups(follower.held.get("s"))).toEqual([]);
    retry(8);
    expect(groups(follower.held.get("s")).map(([key]) => key)).toEqual(['["b"]', '["c"]']);
    expect(follower.engine.statuses()).toMatchObject([{ error: undefined, groups: 2 }]);
  });

  test("doesn't displace the definition that is published", () => {
    const world = machines(6);
    world.define("s", count("s", "/m/"));
    const follower = new Follower(world, { limits: { maxGroups: 1 } }).read(10);
    world.define("s", byApp("s", "/m/"));
    follower.serveAll();
    expect(groups(follower.held.get("s"))).toEqual([["[]", [6]]]);
    expect(follower.engine.statuses()).toMatchObject([
      { refolding: false, error: expect.stringContaining("groups") },
    ]);
    // Written back to what is published, it is tried no more.
    world.define("s", count("s", "/m/"));
    follower.follow();
    expect(follower.engine.statuses()).toMatchObject([{ error: undefined }]);
    world.write("/m/0", undefined);
    for (let i = 0; i < 20; i++) follower.take(follower.engine.retryRefused());
    follower.serveAll();
    expect(groups(follower.held.get("s"))).toEqual([["[]", [5]]]);
    expect(follower.engine.statuses()).toMatchObject([{ refolding: false, error: undefined }]);
  });

  test("for the bytes that it would publish goes out in no part, and leaves what is published", () => {
    const world = machines(6);
    world.define("s", count("s", "/m/"));
    const follower = new Follower(world, { limits: { maxPackedBytes: 30 } }).read(10);
    world.define("s", "{name: s, prefix: /m/, measures: {all: set(key)}}");
    follower.serveAll();
    expect(groups(follower.held.get("s"))).toEqual([["[]", [6]]]);
    expect(follower.engine.statuses()).toMatchObject([
      { refolding: false, error: expect.stringContaining("more than 30 bytes"), rows: 6 },
    ]);
    world.define("s", "{name: s, prefix: /m/, measures: {one: any(key)}}");
    follower.serveAll();
    expect(follower.engine.statuses()).toMatchObject([{ error: undefined }]);
    const before = follower.held.get("s")?.version.revision;
    world.write(`/m/9${"9".repeat(40)}`, machine("a"));
    follower.follow();
    expect(follower.held.get("s")?.version.revision).toBe(before);
    expect(follower.engine.statuses()).toMatchObject([
      { error: expect.stringContaining("more than 30 bytes"), rows: 0 },
    ]);
  });

  test("leaves the others alone", () => {
    const world = machines(6);
    world.define("big", count("big", "/m/"));
    world.define("small", count("small", "/m/0"));
    const follower = new Follower(world, { maxBytes: 700 }).read(10);
    expect(groups(follower.held.get("small"))).toEqual([["[]", [1]]]);
    expect(follower.engine.statuses()).toMatchObject([
      { name: "big", error: expect.stringContaining("need more than 700 bytes for the keys") },
      { name: "small", error: undefined },
    ]);
  });

  test("in number is refused, too", () => {
    const world = new World();
    for (let i = 0; i < 257; i++) world.define(`s${i}`, count(`s${i}`, "/m/"));
    const follower = new Follower(world).read(1_000);
    expect(follower.held.size).toBe(256);
    expect(follower.engine.statuses().filter((status) => status.error !== undefined)).toMatchObject(
      [{ error: expect.stringContaining("there are 256 summaries already") }],
    );
  });
});
