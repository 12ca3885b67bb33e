import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { workerFile } from "../../../shared/worker.js";
import { onSmallDisk } from "../../peers/small-disk.js";
import { tempDirectory } from "./support.js";

it("waits on a full disk with all that is to be written, and goes on when there is room", () => {
  const folder = tempDirectory();
  const child = fileURLToPath(workerFile("./room-child.js", import.meta.url));
  const [program, ...args] = [...onSmallDisk(folder, 3), process.execPath, child, folder];
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  const full = "database or disk is full (SQLITE_FULL)";
  expect(stdout.trim().split("\n")).toEqual([
    `can't write the log ${folder}/log.db: ${full}`,
    "confirmed while full: 0, durable: true",
    "confirmed then: true",
    "found after a restart: true",
    `can't write the state database ${folder}/state.db: ${full}`,
    "durable then: true, full: false",
    "closed while full, failures: 0",
    "nothing confirmed is lost: true",
    "state is an old one: true",
  ]);
}, 60_000);
