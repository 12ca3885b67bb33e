import { formatTable } from "../../deploy/terminal/table.js";
import type { AvailabilityRow } from "./availability-suite.js";
import { ms, right, whole } from "./columns.js";
import type { CompactRow } from "./compact-suite.js";
import type { DigestRow } from "./digest-suite.js";
import type { RedisRow } from "./redis-suite.js";
import type { RegionalRow } from "./regional-suite.js";

/** The regional suite's result as a table. */
export function formatRegional(rows: readonly RegionalRow[]): string {
  return formatTable(
    [
      { head: "LOAD" },
      right("IN FLIGHT"),
      right("ATOLL/S"),
      right("ETCD/S"),
      right("RATIO"),
      right("ATOLL P50 MS"),
      right("P99"),
      right("ETCD P50 MS"),
      right("P99"),
    ],
    rows.map((row) => [
      row.kind,
      String(row.inFlight),
      whole(row.atollPerSecond),
      whole(row.etcdPerSecond),
      row.ratio.toFixed(2),
      ms(row.atollP50Us / 1000),
      ms(row.atollP99Us / 1000),
      ms(row.etcdP50Us / 1000),
      ms(row.etcdP99Us / 1000),
    ]),
  );
}

/** The availability suite's result as a table. */
export function formatAvailability(rows: readonly AvailabilityRow[]): string {
  return formatTable(
    [
      { head: "LEADER" },
      right("TIMES"),
      right("ATOLL P50 MS"),
      right("P99"),
      right("ETCD P50 MS"),
      right("P99"),
      right("RATIO P50"),
      right("P99"),
    ],
    rows.map((row) => [
      row.event,
      String(row.times),
      ms(row.atollP50Ms),
      ms(row.atollP99Ms),
      ms(row.etcdP50Ms),
      ms(row.etcdP99Ms),
      (row.etcdP50Ms / row.atollP50Ms).toFixed(2),
      (row.etcdP99Ms / row.atollP99Ms).toFixed(2),
    ]),
  );
}

/** The digest suite's result as a table. */
export function formatDigest(rows: readonly DigestRow[]): string {
  return formatTable(
    [
      right("INJECTED MS"),
      right("SAMPLES"),
      right("P50 MS"),
      right("P99 MS"),
      right("P50 BEYOND MS"),
    ],
    rows.map((row) => [
      String(row.injectedMs),
      String(row.samples),
      ms(row.p50Ms),
      ms(row.p99Ms),
      ms(row.p50BeyondMs),
    ]),
  );
}

/** The redis suite's result as a table. */
export function formatRedis(rows: readonly RedisRow[]): string {
  return formatTable(
    [
      right("CHANGED AT ONCE"),
      right("CHANGES/S"),
      right("P50 MS"),
      right("P99 MS"),
      { head: "ROUNDS, CHANGES/S" },
    ],
    rows.map((row) => [
      String(row.changed),
      whole(row.changesPerSecond),
      ms(row.p50Ms),
      ms(row.p99Ms),
      row.rounds.map(whole).join(" "),
    ]),
  );
}

/** The compact suite's result as a table. */
export function formatCompact(rows: readonly CompactRow[]): string {
  return formatTable(
    [
      right("INTERVAL MS"),
      right("RECORD BYTES"),
      right("CHANGES"),
      right("SECONDS"),
      right("FRAMES/S"),
      right("ATOLL BYTES"),
      right("A SECOND"),
      right("MIRROR BYTES"),
      right("A SECOND"),
      right("TIMES FEWER"),
    ],
    rows.map((row) => [
      String(row.intervalMs),
      whole(row.recordBytes),
      whole(row.changes),
      row.seconds.toFixed(1),
      row.framesPerSecond.toFixed(1),
      whole(row.atollBytes),
      whole(row.atollBytes / row.seconds),
      whole(row.mirrorBytes),
      whole(row.mirrorBytes / row.seconds),
      row.ratio.toFixed(1),
    ]),
  );
}
