import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../shared/random.js";
import { byApp, count, groups, machine, machines } from "./machines.js";
import { Follower, World } from "./world.js";

describe("the first read", () => {
  test("publishes every summary at the revision that it ends at", () => {
    const world = machines(5);
    world.define("all", count("all", "/m/"));
    world.define("apps", byApp("apps", "/m/"));
    const { held, engine } = new Follower(world).read(2);
    expect(engine.isLive).toBe(true);
    expect(groups(held.get("all"))).toEqual([["[]", [5]]]);
    expect(groups(held.get("apps"))).toEqual([
      ['["a"]', [3, 3000n]],
      ['["b"]', [2, 2000n]],
    ]);
    expect(held.get("apps")?.version).toMatchObject({
      definition: 8,
      revision: 8,
      foldSemantics: 1,
    });
  });

  test("publishes nothing before it ends", () => {
    const world = machines(5);
    world.define("all", count("all", "/m/"));
    const follower = new Follower(world);
    follower.read(1, () => {
      world.write("/m/1", undefined);
      world.write("/m/9", machine("c"));
      expect([follower.held.size, follower.engine.isLive]).toEqual([0, false]);
    });
    expect(groups(follower.held.get("all"))).toEqual([["[]", [5]]]);
  });

  test("takes a definition that comes while records are being read to a scan of its own", () => {
    const world = machines(5);
    const follower = new Follower(world);
    let defined = false;
    follower.read(2, () => {
      if (!defined) world.define("all", count("all", "/m/"));
      defined = true;
    });
    expect([follower.held.size, follower.scans.size]).toEqual([0, 1]);
    follower.serveAll();
    expect(groups(follower.held.get("all"))).toEqual([["[]", [5]]]);
  });
});

describe("each change", () => {
  test("moves every section of the region to its revision", () => {
    const world = machines(2);
    world.define("m", count("m", "/m/"));
    world.define("x", count("x", "/x/"));
    const follower = new Follower(world).read(10);
    world.write("/m/7", machine("a"));
    follower.follow();
    expect(follower.held.get("m")?.version.revision).toBe(world.revision);
    expect(follower.held.get("x")?.version.revision).toBe(world.revision);
    expect(groups(follower.held.get("m"))).toEqual([["[]", [3]]]);
  });

  test("of Atoll's own keys is no record, even of a summary of everything", () => {
    const world = machines(2);
    world.define("all", count("all", "/"));
    const follower = new Follower(world).read(10);
    world.write("/atoll/lineage", "{}");
    world.define(
      "all",
      `${count("all", "/")} # again, but for where`.replace("}}", "}, where: true}"),
    );
    follower.follow();
    follower.serveAll();
    expect(groups(follower.held.get("all"))).toEqual([["[]", [2]]]);
    expect(follower.engine.statuses()[0]).toMatchObject({
      error: expect.stringContaining("where"),
    });
  });
});

describe("a changed definition", () => {
  test("is published when its fold is whole; the old one goes on until then", () => {
    const world = machines(4);
    world.define("s", count("s", "/m/"));
    const follower = new Follower(world).read(10);
    world.define("s", byApp("s", "/m/"));
    follower.follow();
    const changed = world.revision;
    world.write("/m/9", machine("c"));
    follower.follow();
    expect(groups(follower.held.get("s"))).toEqual([["[]", [5]]]);
    expect(follower.held.get("s")?.version.definition).toBeLessThan(changed);
    expect(follower.engine.statuses()).toMatchObject([
      { newestDefinition: changed, publishedDefinition: changed - 1, refolding: true },
    ]);
    const [scan] = follower.scans.keys();
    follower.serve(scan as number, 3);
    world.write("/m/0", machine("c"));
    world.write("/m/9", undefined);
    follower.serveAll();
    expect(follower.held.get("s")?.version.definition).toBe(changed);
    expect(groups(follower.held.get("s"))).toEqual([
      ['["a"]', [1, 1000n]],
      ['["b"]', [2, 2000n]],
      ['["c"]', [1, 1000n]],
    ]);
    expect(follower.engine.statuses()).toMatchObject([{ refolding: false, groups: 3, rows: 4 }]);
  });

  test("needs no re-fold when it means the same", () => {
    const world = machines(4);
    world.define("s", count("s", "/m/"));
    const follower = new Follower(world).read(10);
    world.define("s", `# rewritten\n${count("s", '"/m/"')}`);
    follower.follow();
    expect(follower.scans.size).toBe(0);
    expect(follower.held.get("s")?.version.definition).toBe(world.revision);
    expect(groups(follower.held.get("s"))).toEqual([["[]", [4]]]);
  });

  test("and changed again, or back, gives up the fold that nobody wants any more", () => {
    const world = machines(4);
    world.define("s", count("s", "/m/"));
    const follower = new Follower(world).read(10);
    for (const text of [byApp("s", "/m/"), byApp("s", "/"), count("s", "/m/")]) {
      world.define("s", text);
      follower.follow();
    }
    expect(follower.scans.size).toBe(0);
    expect(follower.held.get("s")?.version.definition).toBe(world.revision);
    expect(groups(follower.held.get("s"))).toEqual([["[]", [4]]]);
  });

  test.each([
    ["{", "not YAML"],
    [count("other", "/m/"), 'name: is "other", but the key is /atoll/summaries/s'],
    [
      byApp("s", "/m/").replace("value.cpu", "foo(value.cpu)"),
      'measures.cpu: unknown function "foo" (1:5)',
    ],
  ])("that isn't valid leaves the last good one: %s", (text, error) => {
    const world = machines(4);
    world.define("s", count("s", "/m/"));
    const good = world.revision;
    const follower = new Follower(world).read(10);
    world.define("s", text);
    world.write("/m/0", undefined);
    follower.follow();
    expect(follower.held.get("s")?.version).toMatchObject({
      definition: good,
      revision: world.revision,
    });
    expect(groups(follower.held.get("s"))).toEqual([["[]", [3]]]);
    expect(follower.engine.statuses()).toMatchObject([
      { publishedDefinition: good, error: expect.stringContaining(error) },
    ]);
    world.define("s", count("s", "/m/"));
    follower.follow();
    expect(follower.engine.statuses()).toMatchObject([{ error: undefined }]);
  });
});

describe("a deleted definition", () => {
  test("retires its section, and may come back", () => {
    const world = machines(4);
    world.define("s", count("s", "/m/"));
    const follower = new Follower(world).read(10);
    world.define("s", undefined);
    follower.follow();
    const deleted = world.revision;
    expect(follower.held.get("s")).toMatchObject({
      retired: true,
      version: { definition: deleted },
    });
    expect(follower.engine.statuses()).toEqual([]);
    world.define("s", count("s", "/m/"));
    follower.serveAll();
    expect(follower.held.get("s")).toMatchObject({
      retired: false,
      version: { definition: deleted + 1 },
    });
    expect(groups(follower.held.get("s"))).toEqual([["[]", [4]]]);
  });

  test("that went while nobody looked is retired when it is asked about", () => {
    const world = machines(1);
    world.define("s", count("s", "/m/"));
    const follower = new Follower(world).read(10);
    follower.take(follower.engine.retireUnknown(["s", "gone"]));
    expect(follower.held.get("gone")).toMatchObject({
      retired: true,
      version: { definition: world.revision, revision: world.revision },
    });
    expect(follower.held.get("s")).toMatchObject({ retired: false });
  });

  test("that went while the source was lost is retired after the next first read", () => {
    const world = machines(3);
    world.define("s", count("s", "/m/"));
    world.define("t", count("t", "/m/"));
    const follower = new Follower(world).read(10);
    world.define("s", undefined);
    world.write("/m/0", undefined);
    follower.read(2);
    expect(follower.held.get("s")).toMatchObject({ retired: true });
    expect(groups(follower.held.get("t"))).toEqual([["[]", [2]]]);
  });
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant("write" as const),
    key: fc.constantFrom("/m/1", "/m/2", "/m/3", "/n/1", "/n/2"),
    value: fc.constantFrom(undefined, machine("a"), machine("b", 2.5), machine("c", -1), "{", "{}"),
  }),
  fc.record({
    kind: fc.constant("define" as const),
    name: fc.constantFrom("s", "t"),
    make: fc.constantFrom(
      (name: string) => count(name, "/m/"),
      (name: string) => byApp(name, "/m/"),
      (name: string) => byApp(name, "/"),
      (name: string) => count(name, "/n/", ", where: value.cpu > 0"),
      () => "{",
      () => undefined,
    ),
  }),
  fc.record({ kind: fc.constant("follow" as const) }),
  fc.record({ kind: fc.constant("serve" as const), pageKeys: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("restart" as const), pageKeys: fc.integer({ min: 1, max: 4 }) }),
);

/** A gateway that reads the world for the first time. */
function afresh(world: World): Follower {
  const copy = new World();
  copy.revision = world.revision;
  for (const [key, event] of world.state) copy.state.set(key, event);
  return new Follower(copy).read(3);
}

describe("gateways of any past", () => {
  test("publish the same content at the same version", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 80 }), (steps) => {
        const world = new World();
        const lived = new Follower(world).read(10);
        const compare = (): void => {
          for (const [name, fresh] of afresh(world).held) {
            const held = lived.held.get(name);
            if (held?.version.definition !== fresh.version.definition || held.retired) continue;
            expect(held).toEqual(fresh);
          }
        };
        for (const each of steps) {
          if (each.kind === "write") world.write(each.key, each.value);
          if (each.kind === "define") world.define(each.name, each.make(each.name));
          if (each.kind === "follow") lived.follow();
          if (each.kind === "restart") lived.read(each.pageKeys);
          if (each.kind === "serve")
            for (const scan of lived.scans.keys()) lived.serve(scan, each.pageKeys);
          if (world.pending.length === 0 && lived.engine.isLive) compare();
        }
        lived.serveAll();
        const fresh = afresh(world);
        for (const [name, section] of fresh.held) expect(lived.held.get(name)).toEqual(section);
      }),
      { numRuns: 300 },
    );
  });
});

test("a life of 100,000 changes leaves what a fresh read finds, definition changes among them", () => {
  const world = new World();
  world.define("apps", byApp("apps", "/m/"));
  world.define("up", count("up", "/m/", ", where: value.cpu > 0.5"));
  const lived = new Follower(world).read(100);
  const random = seededRandom(42);
  for (let i = 0; i < 100_000; i++) {
    const key = `/m/${random.int(5_000)}`;
    const cpu = random.int(640) / 100;
    world.write(key, random.chance(0.2) ? undefined : machine(`app-${random.int(300)}`, cpu));
    if (i % 10_000 === 5_000)
      world.define("up", count("up", "/m/", `, where: value.cpu > 0.${(i / 10_000) | 0}`));
    if (i === 40_000) world.define("apps", undefined);
    if (i === 60_000) world.define("apps", byApp("apps", "/m/"));
    if (i % 50 === 0) lived.follow();
    if (i % 100 === 0) for (const scan of lived.scans.keys()) lived.serve(scan, 500);
  }
  lived.serveAll();
  const fresh = afresh(world);
  expect([...fresh.held.keys()].sort()).toEqual(["apps", "up"]);
  expect(fresh.held.get("apps")?.groups.size).toBe(300);
  for (const [name, section] of fresh.held) {
    const held = lived.held.get(name);
    expect(held?.version).toEqual(section.version);
    expect(groups(held)).toEqual(groups(section));
  }
});
