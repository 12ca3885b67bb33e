import { formatTable } from "../../deploy/terminal/table.js";
import { ms, right, whole } from "./columns.js";
import type { FirstReadRow } from "./first-read-suite.js";

/** The first-read suite's result as a table. */
export function formatFirstRead(rows: readonly FirstReadRow[]): string {
  return formatTable(
    [
      { head: "REGION OF" },
      right("KEYS"),
      right("SECONDS"),
      right("KEYS/S"),
      right("CPU S"),
      right("MEMBER CPU S"),
      right("IDLE MIB"),
      right("PEAK MIB"),
      right("AFTER MIB"),
      right("IDLE P99 MS"),
      right("READING P99 MS"),
      right("MAX"),
      right("MEMBER MAX MS"),
      right("LOAD"),
    ],
    rows.map((row) => [
      row.engine,
      whole(row.keys),
      row.seconds.toFixed(1),
      whole(row.keysPerSecond),
      row.gatewayCpuSeconds.toFixed(1),
      row.memberCpuSeconds.toFixed(1),
      whole(row.idleMib),
      whole(row.peakMib),
      whole(row.afterMib),
      ms(row.idleP99Ms),
      ms(row.readingP99Ms),
      ms(row.readingMaxMs),
      ms(row.memberMaxMs),
      row.load.toFixed(1),
    ]),
  );
}
