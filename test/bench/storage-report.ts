import { formatTable } from "../../deploy/terminal/table.js";
import { ms, right, whole } from "./columns.js";
import type { StorageRow } from "./storage-suite.js";

const MIB = 1024 * 1024;

/** The storage suite's result as a table. */
export function formatStorage(rows: readonly StorageRow[]): string {
  return formatTable(
    [
      right("GROUPS"),
      right("CHANGES/S"),
      right("FIRST SAVE S"),
      right("FILE MIB"),
      right("MAIN US/CHANGE"),
      right("MAIN SHARE"),
      right("LOOP MAX MS"),
      right("WITHOUT"),
      right("LOAD S"),
      right("CPU S"),
      right("LOAD"),
    ],
    rows.map((row) => [
      whole(row.groups),
      whole(row.changesPerSecond),
      row.firstSaveSeconds.toFixed(2),
      (row.fileBytes / MIB).toFixed(1),
      row.busyUsAChange.toFixed(2),
      `${(row.busyShare * 100).toFixed(2)} %`,
      ms(row.loopDelayMs),
      ms(row.loopDelayWithoutMs),
      row.loadSeconds.toFixed(2),
      row.loadCpuSeconds.toFixed(2),
      row.load.toFixed(1),
    ]),
  );
}
