import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GlobalState } from "../../../global/digest/global-state.js";
import { RedisConnection } from "../../../global/redis/connection.js";
import { changesSince } from "../../../global/redis/core/content.js";
import { unitOf } from "../../../global/redis/core/keys.js";
import { compareVectors, standingOf, type Vector } from "../../../global/redis/core/standing.js";
import { type Target, targetOf } from "../../../global/redis/core/target.js";
import type { WritePlan } from "../../../global/redis/core/unit.js";
import { parseRedisSettings } from "../../../global/redis/settings.js";
import { UnitWriter } from "../../../global/redis/unit-writer.js";
import { FreshnessBook } from "../../../global/view/freshness-book.js";
import { View } from "../../../global/view/view.js";
import { sha256 } from "../../../shared/hash.js";
import { type RedisServer, startRedis } from "../../peers/redis.js";
import {
  arbitraryStep,
  cells,
  groupKey,
  History,
  incarnation,
  newState,
  version,
} from "../digest/model.js";
import { expectedGroups, readUnit } from "./mirrored.js";

/**
 * The write script on a real Redis: whatever stale and fresh writers send, in whatever
 * order and however often, what is stored never goes back, is always one writer's state,
 * and is the newest one in the end.
 */
const RUNS = 40;

let redis: RedisServer;
let connection: RedisConnection;

beforeAll(async () => {
  redis = await startRedis();
  const settings = parseRedisSettings({ redis: redis.address }, (option) => option);
  if (settings === undefined) throw new Error("no settings");
  connection = await RedisConnection.open(settings, { lost: () => {}, nodeJoined: () => {} });
});
afterAll(async () => {
  connection?.close();
  await redis?.stop();
});

const plan = (kind: WritePlan["kind"], more: Partial<WritePlan> = {}): WritePlan => ({
  kind,
  from: {},
  changes: new Map(),
  claim: false,
  standstill: undefined,
  ...more,
});

/** A gateway that stands at some revision of each region, as a writer. */
class Writer {
  readonly state: GlobalState = newState();
  readonly #view = new View(this.state, new FreshnessBook(this.state));
  readonly #writer: UnitWriter;

  constructor(name: string) {
    this.#writer = new UnitWriter(connection, "atoll:", name);
  }

  target(name: string): Target {
    const target = targetOf(this.#view, unitOf(name), new Map());
    if (target === undefined) throw new Error(`nothing is known of ${name}`);
    return target;
  }

  expected(name: string): ReadonlyMap<string, unknown> {
    return expectedGroups(this.target(name));
  }

  async send(name: string, write: WritePlan): Promise<string> {
    const target = this.target(name);
    const input = { name, target, plan: write, fields: ["state", "live"], wallMs: 0 };
    return (await this.#writer.write(input)).outcome;
  }

  /** A delta from what was stored at some time; a whole write where there is none. */
  async sendDelta(name: string, from: Vector): Promise<string> {
    const changes = changesSince(this.target(name), from, this.state, sha256);
    const write = changes === undefined ? plan("whole") : plan("delta", { from, changes });
    return await this.send(name, write);
  }
}

interface Act {
  readonly writer: number;
  readonly advance: readonly [number, number];
  readonly isDelta: boolean;
  /** Which of the vectors that were ever stored a delta begins at. */
  readonly from: number;
  readonly unit: number;
}

const UNITS = ["machines@us-east", "machines@eu-west", "machines"];
const arbitraryAct: fc.Arbitrary<Act> = fc.record({
  writer: fc.nat(2),
  advance: fc.tuple(fc.nat(2), fc.nat(2)),
  isDelta: fc.boolean(),
  from: fc.nat(20),
  unit: fc.nat(UNITS.length - 1),
});

test("stale and fresh writers, in any order, end in the newest", { timeout: 120_000 }, async () => {
  const histories = fc.tuple(
    fc.array(arbitraryStep, { minLength: 4, maxLength: 8 }),
    fc.array(arbitraryStep, { minLength: 4, maxLength: 8 }),
  );
  const property = fc.asyncProperty(
    histories,
    fc.array(arbitraryAct, { minLength: 5, maxLength: 25 }),
    async (steps, acts) => {
      await redis.cli("FLUSHALL");
      const regions = ["us-east", "eu-west"].map((region, i) => {
        const history = new History(region);
        for (const step of steps[i] ?? []) history.step(step);
        return history;
      });
      const writers = [0, 1, 2].map((i) => new Writer(`w${i}`));
      const places = writers.map(() => regions.map(() => 2));
      for (const { state } of writers) {
        for (const history of regions) state.receive(history.whole(2));
      }
      const seen = new Map<string, Vector[]>(UNITS.map((name) => [name, []]));
      /** Content by unit and vector, as the writer that wrote it had it. */
      const check = async (name: string): Promise<void> => {
        const { groups, meta } = await readUnit((...args) => redis.cli(...args), name);
        const vector = JSON.parse(meta["vector"] ?? "{}") as Vector;
        const before = seen.get(name)?.at(-1) ?? {};
        const { behind, lacking, conflicts } = compareVectors(vector, before);
        expect([behind, lacking, conflicts]).toEqual([[], [], []]);
        seen.get(name)?.push(vector);
        const witness = new Writer("witness");
        for (const history of regions) {
          const revision = Number(vector[history.region]?.split("/").at(-1) ?? 0);
          if (revision > 0) witness.state.receive(history.whole(revision));
        }
        expect(groups).toEqual(witness.expected(name));
      };
      for (const act of acts) {
        const writer = writers[act.writer] as Writer;
        const place = places[act.writer] as number[];
        regions.forEach((history, i) => {
          const from = place[i] as number;
          const to = Math.min(history.last, from + (act.advance[i] as number));
          if (to > from) writer.state.receive(history.delta(from, to));
          place[i] = to;
        });
        const name = UNITS[act.unit] as string;
        const known = seen.get(name) ?? [];
        const from = known[act.from % Math.max(1, known.length)];
        if (act.isDelta && from !== undefined) await writer.sendDelta(name, from);
        else await writer.send(name, plan("whole"));
        await check(name);
      }
      const fresh = new Writer("fresh");
      for (const history of regions) fresh.state.receive(history.whole(history.last));
      for (const name of UNITS) {
        await fresh.send(name, plan("whole"));
        for (const writer of writers) await writer.send(name, plan("whole"));
        const { groups } = await readUnit((...args) => redis.cli(...args), name);
        expect(groups).toEqual(fresh.expected(name));
      }
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});

const LIFE = { incarnation: incarnation(2) };

function standing(revision: number, life = incarnation(2)): Writer {
  const history = new History("us-east", { incarnation: life });
  for (let i = 3; i <= revision; i++) history.step({ api: i % 9 });
  const writer = new Writer(`at-${life.nonce.slice(0, 1)}-${revision}`);
  writer.state.receive(history.whole(revision));
  return writer;
}

test.each<[string, () => Writer, string]>([
  ["an older revision", () => standing(4), "behind"],
  ["the same version", () => standing(5), "known"],
  ["a newer revision", () => standing(6), "written"],
  ["an older life", () => standing(9, incarnation(1)), "behind"],
  ["another life of the same counter", () => standing(9, incarnation(2, "b")), "behind"],
  ["a later life at a lower revision", () => standing(3, incarnation(3, "b")), "written"],
])("what stands at revision 5: %s", async (_, make, outcome) => {
  await redis.cli("FLUSHALL");
  const name = "machines@us-east";
  expect(await standing(5).send(name, plan("whole"))).toBe("written");
  expect(await make().send(name, plan("whole"))).toBe(outcome);
  expect(await redis.cli("KEYS", "*stage*")).toEqual([]);
});

test.each<[string, Vector, boolean]>([
  ["from a revision past what is stored", { "us-east": standingOf(version(5, LIFE)) }, true],
  [
    "from another definition",
    { "us-east": standingOf(version(4, { ...LIFE, definition: 1 })) },
    true,
  ],
  ["where nothing is stored", { "us-east": standingOf(version(4, LIFE)) }, false],
])("a delta %s is a gap, and changes nothing", async (_, from, isStored) => {
  await redis.cli("FLUSHALL");
  const name = "machines@us-east";
  if (isStored) await standing(4).send(name, plan("whole"));
  const before = await readUnit((...args) => redis.cli(...args), name);
  const changes = new Map([[groupKey("api"), cells(7)]]);
  expect(await standing(6).send(name, plan("delta", { from, changes }))).toBe("gap");
  expect(await readUnit((...args) => redis.cli(...args), name)).toEqual(before);
});

test("a write of which staged groups are missing is torn, and changes nothing", async () => {
  await redis.cli("FLUSHALL");
  const name = "machines@us-east";
  await standing(5).send(name, plan("whole"));
  const before = await readUnit((...args) => redis.cli(...args), name);
  const cut = standing(6);
  // What a flush between the chunks and the swap does: no group is staged any more.
  const run = connection.run.bind(connection);
  connection.run = async (script, keys, args) => {
    const answer = await run(script, keys, args);
    if (script.name === "stage") await connection.call("UNLINK", ...keys);
    return answer;
  };
  try {
    expect(await cut.send(name, plan("whole"))).toBe("torn");
  } finally {
    connection.run = run;
  }
  expect(await readUnit((...args) => redis.cli(...args), name)).toEqual(before);
});

test("a large unit is staged in chunks and put in place at once", { timeout: 60_000 }, async () => {
  await redis.cli("FLUSHALL");
  const name = "machines@us-east";
  const count = 3_000;
  const history = new History("us-east");
  const groups = (n: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`g${i}`, n]));
  history.step(groups(1));
  history.step(groups(2));
  const writer = new Writer("large");
  writer.state.receive(history.whole(3));
  await writer.send(name, plan("whole"));
  writer.state.receive(history.whole(4));
  const sizes = new Set<unknown>();
  const done = new AbortController();
  const reading = (async () => {
    while (!done.signal.aborted) {
      const { groups: read, meta } = await readUnit((...args) => redis.cli(...args), name);
      const spread = new Set([...read.values()].map((value) => JSON.stringify(value)));
      sizes.add(`${read.size} ${spread.size} ${meta["groups"]}`);
    }
  })();
  expect(await writer.send(name, plan("whole"))).toBe("written");
  done.abort();
  await reading;
  expect([...sizes]).toEqual([`${count} 1 ${count}`]);
  expect(await redis.cli("PTTL", `atoll:{${name}}:groups`)).toBe(-1);
  expect(await redis.cli("KEYS", "*stage*")).toEqual([]);
});

test("a claim holds others back until the claimant has caught up", async () => {
  await redis.cli("FLUSHALL");
  const name = "machines@us-east";
  const [ahead, slow] = [standing(5), standing(4)];
  expect(await ahead.send(name, plan("whole"))).toBe("written");
  expect(await slow.send(name, plan("delta", { claim: true }))).toBe("behind");
  const other = standing(6);
  expect(await other.send(name, plan("whole"))).toBe("claimed");
  const caughtUp = standing(7);
  expect(await caughtUp.send(name, plan("whole", { claim: true }))).toBe("written");
  expect(await standing(8).send(name, plan("whole"))).toBe("written");
});

test("only where writes stand still may a region that nobody knows leave the merge", async () => {
  await redis.cli("FLUSHALL");
  const both = standing(5);
  const west = new History("eu-west");
  west.step({ web: 1 });
  both.state.receive(west.whole(3));
  await both.send("machines", plan("whole"));
  const alone = standing(6);
  expect(await alone.send("machines", plan("whole"))).toBe("behind");
  expect(await alone.send("machines", plan("whole", { standstill: 0 }))).toBe("behind");
  expect(await alone.send("machines", plan("whole", { standstill: 1 }))).toBe("written");
  const { meta } = await readUnit((...args) => redis.cli(...args), "machines");
  expect(Object.keys(JSON.parse(meta["vector"] ?? ""))).toEqual(["us-east"]);
  // Whoever knows it still brings it back.
  const back = standing(6);
  back.state.receive(west.whole(3));
  expect(await back.send("machines", plan("whole"))).toBe("written");
});
