import { formatTable } from "../../../deploy/terminal/table.js";
import { MESH_DIRECT_REGIONS } from "../../../shared/limits.js";
import { MANY_ORIGINS, type MeshRow } from "./mesh-suite.js";
import { SERF_WAN } from "./models.js";

const right = (head: string): { head: string; align: "right" } => ({ head, align: "right" });
const whole = (value: number | undefined): string =>
  value === undefined ? "-" : Math.round(value).toLocaleString("en-US");

const NOTES = `Milliseconds from a change at its origin's gateway to each other region's, and to the last of all.
Half of the measured median round trip one way, 0.5 ms between regions of one place; no jitter, no loss.
Gossip like Serf's over a WAN: every ${SERF_WAN.intervalMs} ms to ${SERF_WAN.nodes} at random, ${SERF_WAN.retransmitMult} x ceil(log10(n+1)) times by each, without its push-pull.
Past ${MESH_DIRECT_REGIONS} regions ${MANY_ORIGINS} of them have something to tell; the others receive and pass on.
`;

/** The simulated mesh's result as a table. */
export function formatMesh(rows: readonly MeshRow[]): string {
  const table = formatTable(
    [
      right("REGIONS"),
      { head: "WAY" },
      right("EACH P50 MS"),
      right("P99"),
      right("MAX"),
      right("ALL P50 MS"),
      right("P99"),
      right("MESSAGES"),
      right("BYTES"),
      right("DUPLICATES"),
      right("STREAMS"),
      right("IDLE BYTES/S"),
      right("UNFINISHED"),
    ],
    rows.map((row) => [
      whole(row.regions),
      row.way,
      ...[row.p50Ms, row.p99Ms, row.maxMs, row.allP50Ms, row.allP99Ms].map(whole),
      whole(row.messages),
      whole(row.bytes),
      row.duplicates.toFixed(1),
      whole(row.streams),
      whole(row.idleBytesPerSecond),
      whole(row.unfinished),
    ]),
  );
  return `${table}\n${NOTES}`;
}
