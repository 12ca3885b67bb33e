import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../shared/ports.js";
import { parseTopology, type Topology } from "../../shared/topology.js";
import { Child } from "../peers/child.js";
import { etcdctlOk } from "../peers/etcdctl.js";
import { exec } from "../peers/exec.js";
import { REPOSITORY_ROOT } from "../peers/paths.js";

/** `npm start` as its user sees it: the program behind it, in a folder of its own. */
const PROGRAM = join(REPOSITORY_ROOT, "dist/deploy/playground/main.js");
const CLI = join(REPOSITORY_ROOT, "dist/deploy/cli/main.js");
const SMALL = ["--regions", "east,west", "--members", "1"];
const READY_MS = 60_000;

let folder: string;
let dataDir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-playground-"));
  dataDir = join(folder, "data");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(...words: string[]): Promise<Child> {
  const child = new Child(
    "playground",
    process.execPath,
    [PROGRAM, "--data-dir", dataDir, ...words],
    process.env,
  );
  await child.until(async () => child.output().split("\n").includes("ready"), READY_MS);
  return child;
}

function fail(...words: string[]) {
  return exec(process.execPath, [PROGRAM, ...words], { timeoutMs: READY_MS });
}

function atoll(...words: string[]) {
  return exec(process.execPath, [CLI, ...words, "--topology", join(dataDir, "topology.json")], {
    timeoutMs: READY_MS,
  });
}

async function readTopology(): Promise<Topology> {
  return parseTopology(await readFile(join(dataDir, "topology.json"), "utf8"), "topology.json");
}

/** Processes whose command line names the data directory: what a playground has started. */
async function startedProcesses(): Promise<string[]> {
  const ids = (await readdir("/proc")).filter(
    (name) => /^\d+$/.test(name) && name !== String(process.pid),
  );
  const lines = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(dataDir));
}

describe("a playground", () => {
  test("starts, prints its endpoints, serves, stops whole, and starts again with its data", async () => {
    const first = await start(...SMALL, "--base-port", "0");
    const topology = await readTopology();
    expect(topology.regions.map((region) => region.name)).toEqual(["east", "west"]);
    for (const region of topology.regions) {
      expect(first.output()).toContain(region.members[0]?.client);
      expect(first.output()).toContain(region.gateways[0]?.grpc);
    }
    const endpoints = topology.regions[0]?.members.map((member) => member.client) ?? [];
    await etcdctlOk(endpoints, "put", "greeting", "hello");
    expect(await startedProcesses()).toHaveLength(5);
    first.signal("SIGINT");
    first.signal("SIGTERM");
    await first.exited;
    expect(first.exitCode).toBe(0);
    expect(await startedProcesses()).toEqual([]);

    const second = await start();
    expect(await readTopology()).toEqual(topology);
    expect(await etcdctlOk(endpoints, "get", "greeting", "--print-value-only")).toBe("hello\n");
    await second.kill();
    // Killed, it can't stop its children; they notice that their parent is gone.
    while ((await startedProcesses()).length > 0)
      await new Promise((resolve) => setTimeout(resolve, 50));
  });

  test("brings back a member that dies", async () => {
    const playground = await start();
    const died = new Promise<string>((resolve) => {
      playground.onLine((line) => {
        if (line.includes("starting it again")) resolve(line);
      });
    });
    const region = (await readTopology()).regions[0];
    const cmdlines = await readdir("/proc");
    for (const id of cmdlines.filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
      if (line.includes(join(dataDir, "east", "east-m0"))) process.kill(Number(id), "SIGKILL");
    }
    expect(await died).toContain("east-m0 ended (SIGKILL)");
    const endpoints = region?.members.map((member) => member.client) ?? [];
    for (;;) {
      const answer = await etcdctlOk(endpoints, "get", "greeting", "--print-value-only").catch(
        () => "",
      );
      if (answer === "hello\n") break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await playground.stop();
  });

  test("tells its state through the command line, and takes summaries", async () => {
    const playground = await start();
    const definition = join(folder, "machines.yaml");
    await writeFile(
      definition,
      "name: machines\nprefix: /machines/\ngroupBy: [value.app]\nmeasures:\n  machines: count()\n",
    );
    const applied = await atoll("summary", "apply", "-f", definition, "-o", "json");
    expect(applied).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(applied.stdout)).toMatchObject({
      summary: "machines",
      regions: [
        { region: "east", error: null },
        { region: "west", error: null },
      ],
    });
    const region = (await readTopology()).regions[0];
    await etcdctlOk([region?.members[0]?.client ?? ""], "put", "/machines/1", '{"app":"api"}');
    for (;;) {
      const { stdout, code } = await atoll(
        "digest",
        "get",
        "machines",
        "--region",
        "east",
        "-o",
        "json",
      );
      if (code === 0 && stdout.includes('"api"')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const status = await atoll("status");
    expect(status.code).toBe(0);
    for (const name of ["east-m0", "west-m0", "east-g0", "west-g0", "leader", "gateway"])
      expect(status.stdout).toContain(name);
    expect((await atoll("summary", "list")).stdout).toContain("machines");
    expect((await atoll("summary", "show", "machines")).stdout).toContain("machines: count()");
    expect((await atoll("regions", "-o", "json")).stdout).toContain('"west"');
    expect((await atoll("summary", "delete", "machines")).code).toBe(0);
    expect(await atoll("summary", "show", "machines")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no region has a summary "machines"'),
    });
    await writeFile(
      definition,
      "name: bad\nprefix: /machines/\nwhere: value.app = 1\nmeasures:\n  n: count()\n",
    );
    expect(await atoll("summary", "apply", "-f", definition)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/where: .*\(1:\d+\)/),
    });
    await playground.stop();
  });
});

describe("a playground is refused", () => {
  let taken: Server;
  let port: number;
  beforeAll(async () => {
    [port] = (await freePorts(1)) as [number];
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
  });
  afterAll(() => new Promise((resolve) => taken.close(resolve)));

  test.each([
    [
      "another number of members",
      () => ["--data-dir", dataDir, "--members", "3"],
      /--members: the stored topology has 1 members in east, and 3/,
    ],
    [
      "other regions",
      () => ["--data-dir", dataDir, "--regions", "east"],
      /--regions: the stored topology has east,west, and east/,
    ],
    [
      "a taken port",
      () => ["--data-dir", join(folder, "taken"), "--base-port", String(port)],
      /port \d+ \(us-east-m0's client port\) is taken/,
    ],
    [
      "a file for a folder",
      () => ["--data-dir", join(dataDir, "FORMAT")],
      /can't use the data directory .*FORMAT/,
    ],
    [
      "a stray word",
      () => [join(folder, "stray")],
      /npm keeps options for itself unless -- comes first/,
    ],
    ["an unknown option", () => ["--no-such-option"], /no-such-option/],
  ] as const)("for %s", async (_, words, reason) => {
    const result = await fail(...words());
    expect(result.stderr).toMatch(reason);
    expect(result.code).toBe(1);
  });
});
