import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataDir } from "../../../deploy/playground/data-dir.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atoll-data-dir-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a new directory has no topology; a stored one is read back whole", () => {
  const topology = {
    regions: [
      {
        name: "a",
        members: [{ name: "a-m0", client: "h:1", peer: "h:2", http: "h:3" }],
        gateways: [],
      },
    ],
  };
  const first = DataDir.open(join(folder, "deep/er"));
  expect(first.readTopology()).toBeUndefined();
  first.writeTopology(topology);
  first.release();
  const second = DataDir.open(join(folder, "deep/er"));
  expect(second.readTopology()).toEqual(topology);
  expect(JSON.parse(readFileSync(second.topologyFile, "utf8"))).toEqual(topology);
  second.release();
});

test("a directory in use is refused, and free again after release", () => {
  const holder = DataDir.open(folder);
  expect(() => DataDir.open(folder)).toThrow(/is in use by another playground/);
  holder.release();
  DataDir.open(folder).release();
});

test("a directory of another version is refused by name", () => {
  writeFileSync(join(folder, "FORMAT"), "atoll-playground 99\n");
  expect(() => DataDir.open(folder)).toThrow(
    `the data directory ${folder} has format "atoll-playground 99"`,
  );
});

test("a topology without a format is refused", () => {
  writeFileSync(join(folder, "topology.json"), "{}");
  expect(() => DataDir.open(folder)).toThrow(/no FORMAT file/);
});

test("a path that is a file is refused by name", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => DataDir.open(join(folder, "file"))).toThrow(
    `can't use the data directory ${join(folder, "file")}`,
  );
});

test("a damaged topology names the file and the field", () => {
  DataDir.open(folder).release();
  writeFileSync(
    join(folder, "topology.json"),
    '{"regions":[{"name":"a","members":[{"name":"m"}],"gateways":[]}]}',
  );
  const dir = DataDir.open(folder);
  expect(() => dir.readTopology()).toThrow(/topology\.json: regions\.0\.members\.0\.client/);
  dir.release();
});
