import { performance } from "node:perf_hooks";
import { MESH_DIRECT_REGIONS } from "../../../shared/limits.js";
import { seededRandom } from "../../../shared/random.js";
import type { Observer } from "../../global/mesh/sim-wire.js";
import { World } from "../../global/mesh/world.js";
import { Convergence, type Spread } from "./convergence.js";
import { directPush, gossip, type ModelResult } from "./models.js";
import { type Naming, type Places, placesOf } from "./places.js";

/** One way of spreading changes among regions. */
export interface MeshRow extends Spread {
  readonly way: string;
  readonly regions: number;
  readonly changes: number;
  /** Messages that bring the change, for one change. */
  readonly messages: number;
  /** Bytes of these messages for one change; of models, at the mesh's bytes a message. */
  readonly bytes: number;
  /** Times for one change that somebody got what it had already. */
  readonly duplicates: number;
  /** Streams that a gateway opened, on average; undefined of models. */
  readonly streams: number | undefined;
  /** Bytes a second that a region sends with nothing changing; undefined when not measured. */
  readonly idleBytesPerSecond: number | undefined;
}

/** What is simulated. */
interface MeshRun {
  readonly regions: number;
  readonly naming: Naming;
  /** Regions that have something to tell, picked at random. */
  readonly origins: number;
  /** Changes, in one origin after the other. */
  readonly changes: number;
  /** Pause between two changes. */
  readonly pauseMs: number;
  /** Time until all gateways have found each other. */
  readonly warmUpMs: number;
  readonly tickMs?: number;
}

/** Regions that have something to tell when there are many. */
export const MANY_ORIGINS = 10;

/**
 * A second of a thousand regions costs a computer some twenty seconds though only ten of them
 * have something to tell and plans are looked at each second, not each 100 ms; so the run is
 * short, and what all say all the time isn't measured.
 * Changes are further apart than the pushes' interval, so that none waits for another.
 */
function runsOf(regions: number): MeshRun[] {
  if (regions <= MESH_DIRECT_REGIONS) {
    return [
      {
        ...{ regions, naming: "by place", origins: regions },
        ...{ changes: 200, pauseMs: 100, warmUpMs: 4_000 },
      },
    ];
  }
  const namings: readonly Naming[] = ["by place", "at random"];
  return namings.map((naming) => {
    return {
      ...{ regions, naming, origins: MANY_ORIGINS },
      ...{ changes: MANY_ORIGINS, pauseMs: 55, warmUpMs: 900, tickMs: 1_000 },
    };
  });
}

const SEED = 1;
/** Time after the last change in which it may still arrive. */
const REST_MS = 600;
/** Arrivals that a model is run for, to have a tail worth printing. */
const MODEL_ARRIVALS = 50_000;
const IDLE_MS = 1_000;
/** How often progress is told. */
const STEP_MS = 500;

/**
 * Simulates gateways with the product's own mesh, one a region, without jitter and loss, and
 * beside it the direct push that is the floor and gossip as Serf does it over a WAN.
 */
export function runMeshSuite(sizes: readonly number[], say: (text: string) => void): MeshRow[] {
  const rows: MeshRow[] = [];
  for (const run of sizes.flatMap(runsOf)) {
    const places = placesOf(run.regions, run.naming);
    const mesh = simulate(run, places, say);
    const bytes = mesh.bytes / mesh.messages;
    const changes = Math.ceil(MODEL_ARRIVALS / run.regions);
    const isFirst = !rows.some(({ regions }) => regions === run.regions);
    if (isFirst) {
      say(`mesh, ${run.regions} regions: models`);
      rows.push(
        ofModel("direct push", directPush(places, changes, SEED), run.regions, bytes),
        ofModel("gossip like Serf's", gossip(places, changes, SEED), run.regions, bytes),
      );
    }
    rows.push(mesh);
  }
  return rows;
}

function ofModel(way: string, model: ModelResult, regions: number, bytesEach: number): MeshRow {
  const { changes } = model.convergence;
  return {
    ...{ way, regions, changes, streams: undefined, idleBytesPerSecond: undefined },
    ...model.convergence.spread(regions - 1),
    messages: model.messages / changes,
    bytes: (model.messages / changes) * bytesEach,
    duplicates: model.duplicates / changes,
  };
}

function simulate(run: MeshRun, places: Places, say: (text: string) => void): MeshRow {
  const { regions, naming, origins, tickMs } = run;
  const random = seededRandom(SEED);
  const talking = new Set<number>();
  while (talking.size < origins) talking.add(random.int(regions));
  const convergence = new Convergence();
  let isMeasuring = false;
  let joined = 0;
  const observer: Observer = {
    published: (region, revision, atMs) => {
      if (isMeasuring) convergence.began(region, revision, atMs);
    },
    joined: ({ region }, { id, version }, atMs) => {
      joined++;
      convergence.arrived(id.region, version.revision, region.name, atMs);
    },
  };
  const world = new World({
    ...{ seed: SEED, regions, gatewaysPerRegion: 1, summaries: ["machines"], groups: 1_000 },
    ...{ names: places.names, oneWayMs: places.oneWayMs, observer },
    isQuiet: (region) => !talking.has(region),
    ...(tickMs === undefined ? {} : { tickMs }),
  });
  const passes = (forMs: number, what: string): void => {
    const endMs = world.nowMs + forMs;
    while (world.nowMs < endMs) {
      const began = performance.now();
      const stepMs = Math.min(endMs - world.nowMs, STEP_MS);
      world.run(stepMs);
      const ratio = (performance.now() - began) / stepMs;
      say(`mesh, ${regions} regions: ${what}, ${ratio.toFixed(1)} times slower than time`);
    }
  };
  for (const gateway of world.gateways) world.start(gateway);
  const writers = world.regions.filter((_, region) => talking.has(region));
  for (const region of writers) region.write(world.nowMs, world.random);
  passes(run.warmUpMs, "warming up");
  const isWhole = origins === regions;
  const idleFrom = bytesOf(world);
  if (isWhole) passes(IDLE_MS, "idle");
  const idle = bytesOf(world) - idleFrom;

  isMeasuring = true;
  const from = { ...world.traffic };
  const joinedFrom = joined;
  for (let change = 0; change < run.changes; change++) {
    world.at(change * run.pauseMs, () => {
      writers[change % writers.length]?.write(world.nowMs, world.random);
    });
  }
  passes(run.changes * run.pauseMs + REST_MS, "changing");
  const streams = world.gateways.map(
    ({ core }) => [...core.links.values()].filter(({ state }) => state === "up").length,
  );
  const { changes } = convergence;
  return {
    ...{ way: `atoll, names ${naming}`, regions, changes },
    ...convergence.spread(regions - 1),
    messages: (world.traffic.newsFrames - from.newsFrames) / changes,
    bytes: (world.traffic.newsBytes - from.newsBytes) / changes,
    duplicates: (world.traffic.chunks - from.chunks - (joined - joinedFrom)) / changes,
    streams: streams.reduce((a, b) => a + b, 0) / regions,
    idleBytesPerSecond: isWhole ? (idle / regions) * (1_000 / IDLE_MS) : undefined,
  };
}

function bytesOf({ traffic }: World): number {
  return traffic.bytes + traffic.requestBytes;
}
