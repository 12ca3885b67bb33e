import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Cell, GroupKey } from "../../global/digest/cell.js";
import { GlobalState } from "../../global/digest/global-state.js";
import type { Schema } from "../../global/digest/section.js";
import { binOf } from "../../global/digest/sketch/bins.js";
import { packBins } from "../../global/digest/sketch/ddsketch.js";
import { hashNumber } from "../../global/digest/sketch/hash64.js";
import { packSparse, registerOf } from "../../global/digest/sketch/hyperloglog.js";
import { readBootClock } from "../../global/storage/boot-clock.js";
import { ViewStorage } from "../../global/storage/view-storage.js";
import { FreshnessBook } from "../../global/view/freshness-book.js";
import { systemClock } from "../../shared/clock.js";
import { sha256 } from "../../shared/hash.js";
import { createLogger } from "../../shared/log.js";
import { createRegistry } from "../../shared/metrics.js";
import { metricIn } from "./metric-text.js";

/** What keeping a view on disk costs, and how soon it is back. */
export interface StorageRow {
  readonly groups: number;
  readonly changesPerSecond: number;
  /** From nothing on disk to all of it. */
  readonly firstSaveSeconds: number;
  readonly fileBytes: number;
  /** Of the main thread, for one changed group. */
  readonly busyUsAChange: number;
  /** Part of the main thread's time that saving takes while groups change. */
  readonly busyShare: number;
  /** Longest delay of the event loop meanwhile, and without a storage. */
  readonly loopDelayMs: number;
  readonly loopDelayWithoutMs: number;
  /** From the file's opening to the view in memory, roots verified. */
  readonly loadSeconds: number;
  /** Of all threads of this process for that. */
  readonly loadCpuSeconds: number;
  /** The machine's load average. */
  readonly load: number;
}

const GROUPS = 100_000;
const CHANGES_PER_SECOND = 5_000;
const PACE_MS = 50;
const WAIT_MS = 120_000;
const ID = { region: "eu-west", summary: "machines" };
const SCHEMA: Schema = {
  fingerprint: "ab".repeat(32),
  groupBy: ["value.app"],
  measures: [
    { name: "machines", kind: "count", scale: 0, limit: 0 },
    { name: "spare", kind: "sum", scale: 0, limit: 0 },
    { name: "hosts", kind: "distinct", scale: 0, limit: 0 },
    { name: "latency", kind: "quantiles", scale: 0, limit: 0 },
  ],
  retired: false,
};

const keyOf = (n: number): GroupKey => JSON.stringify([`app-${n}`]);

function cellsOf(n: number): readonly Cell[] {
  return [
    { kind: "count", count: n },
    { kind: "sum", scaled: BigInt(n) },
    { kind: "distinct", packed: packSparse([hashNumber(n, registerOf)]) },
    { kind: "quantiles", packed: packBins([binOf(n + 1)], [1]) },
  ];
}

/** A region's fold that goes on. */
class Fold {
  readonly state = new GlobalState(sha256);
  #revision = 2;

  publish(changes: ReadonlyMap<GroupKey, readonly Cell[]>): void {
    const from = this.#revision === 2 ? undefined : this.#revision;
    this.#revision++;
    const incarnation = { counter: 1, nonce: "a".repeat(32), baseRevision: 0, parentNonce: "" };
    const to = { incarnation, definition: 2, foldSemantics: 1, revision: this.#revision };
    this.state.publish({ id: ID, to, from, schema: SCHEMA, changes });
  }

  /** Changes random groups at a steady rate; the longest delay of the event loop meanwhile, in ms. */
  async change(seconds: number): Promise<number> {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    for (let round = 0; round < (seconds * 1000) / PACE_MS; round++) {
      const changes = new Map<GroupKey, readonly Cell[]>();
      for (let i = 0; i < (CHANGES_PER_SECOND * PACE_MS) / 1000; i++) {
        const n = Math.floor(Math.random() * GROUPS);
        changes.set(keyOf(n), cellsOf(n + round + 1));
      }
      this.publish(changes);
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
    delay.disable();
    return delay.max / 1e6;
  }
}

interface Opened {
  readonly storage: ViewStorage;
  readonly read: (name: string) => Promise<number>;
}

function open(path: string, state: GlobalState): Opened {
  const registry = createRegistry({});
  const storage = new ViewStorage({
    path,
    region: ID.region,
    state,
    freshness: new FreshnessBook(state),
    source: () => undefined,
    onRestored: () => undefined,
    clock: systemClock,
    ageNowMs: () => performance.now(),
    bootClock: readBootClock,
    registry,
    log: createLogger("silent", {}),
  });
  const read = async (name: string): Promise<number> =>
    metricIn(await registry.metrics(), `atoll_global_storage_${name}`);
  return { storage, read };
}

/** Measures the storage of one large section in this process. */
export async function runStorageSuite(
  seconds: number,
  say: (text: string) => void,
): Promise<StorageRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "atoll-storage-"));
  try {
    const fold = new Fold();
    fold.publish(new Map(Array.from({ length: GROUPS }, (_, n) => [keyOf(n), cellsOf(n)])));
    const loopDelayWithoutMs = await fold.change(seconds);
    say(`storage: ${GROUPS} groups are there`);
    const { storage, read } = open(folder, fold.state);
    await storage.load();
    const begunMs = performance.now();
    storage.start();
    await storage.saveNow(WAIT_MS);
    const firstSaveSeconds = (performance.now() - begunMs) / 1000;
    const [busyBefore, rowsBefore] = [
      await read("main_seconds_total"),
      await read("rows_written_total"),
    ];
    const changingMs = performance.now();
    const loopDelayMs = await fold.change(seconds);
    await storage.saveNow(WAIT_MS);
    const passed = (performance.now() - changingMs) / 1000;
    const busy = (await read("main_seconds_total")) - busyBefore;
    const rows = (await read("rows_written_total")) - rowsBefore;
    const fileBytes = await read("file_bytes");
    await storage.stop();
    say("storage: saved; it is read back");
    const back = open(folder, new GlobalState(sha256));
    const loadingMs = performance.now();
    const cpu = process.cpuUsage();
    const restored = await back.storage.load();
    const loadSeconds = (performance.now() - loadingMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    await back.storage.stop();
    if (restored?.groups !== GROUPS) throw new Error(`${restored?.groups} groups came back`);
    return [
      {
        groups: GROUPS,
        changesPerSecond: CHANGES_PER_SECOND,
        firstSaveSeconds,
        fileBytes,
        busyUsAChange: (busy / rows) * 1e6,
        busyShare: busy / passed,
        loopDelayMs,
        loopDelayWithoutMs,
        loadSeconds,
        loadCpuSeconds: (user + system) / 1e6,
        load: loadavg()[0] ?? 0,
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
