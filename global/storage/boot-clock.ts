import { readFileSync } from "node:fs";
import type { ClockReading } from "./core/clock-reading.js";

const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";
const UPTIME_FILE = "/proc/uptime";

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

let bootId: string | undefined;

/**
 * The machine's clocks, which outlive a process (proc(5)): Linux counts the seconds since
 * its start, sleep included, in /proc/uptime. Elsewhere there is no boot id, and ages don't
 * outlive a process.
 */
export function readBootClock(): ClockReading {
  bootId ??= readText(BOOT_ID_FILE);
  const [seconds = ""] = readText(UPTIME_FILE).split(" ");
  return {
    bootId,
    bootMs: seconds === "" ? Number.NaN : Number(seconds) * 1000,
    monotonicMs: Number(process.hrtime.bigint()) / 1e6,
    wallMs: Date.now(),
  };
}
