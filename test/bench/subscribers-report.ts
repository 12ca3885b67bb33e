import { formatTable } from "../../deploy/terminal/table.js";
import { ms, right, whole } from "./columns.js";
import type { SubscribersRow } from "./subscribers-suite.js";

/** The subscribers suite's result as a table. */
export function formatSubscribers(rows: readonly SubscribersRow[]): string {
  return formatTable(
    [
      right("PUTS/S"),
      { head: "SERVER" },
      right("DELIVERIES/S"),
      right("MESSAGES/S"),
      right("REFUSED %"),
      right("P50 MS"),
      right("P99"),
      right("WHOLE P50"),
      right("P99"),
      right("CPU %"),
      right("+ STORE"),
      right("US/PUT"),
      right("RSS MIB"),
      right("BYTES EACH"),
      right("SUBSCRIBERS' CPU %"),
      { head: "ATOLL: DELIVERIES, P50, P99, CPU, BYTES" },
    ],
    rows.map((row) => [
      whole(row.putsPerSecond),
      row.server,
      whole(row.deliveriesPerSecond),
      whole(row.messagesPerSecond),
      whole(row.refusedPuts * 100),
      ms(row.p50Ms),
      ms(row.p99Ms),
      ms(row.wholeP50Ms),
      ms(row.wholeP99Ms),
      whole(row.cpu * 100),
      whole(row.cpuWithStore * 100),
      row.cpuUsPerPut.toFixed(2),
      whole(row.rssMib),
      row.bytesPerDelivery.toFixed(1),
      whole(row.subscriberCpu * 100),
      ["deliveries", "p50", "p99", "cpu", "bytes"]
        .map((name) => row.ratio[name as keyof typeof row.ratio].toFixed(2))
        .join("  "),
    ]),
  );
}
