import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EtcdCluster, startEtcd } from "./etcd.js";
import { exec } from "./exec.js";
import { withFileLock } from "./lock.js";
import { startRedis } from "./redis.js";
import { peerTool } from "./tools.js";

describe("programs of other projects", () => {
  test.each(["etcd", "etcdctl", "redis-server", "redis-cli", "h2load", "openssl"] as const)(
    "%s starts with its libraries",
    async (name) => {
      const tool = await peerTool(name);
      const args = ["etcdctl", "openssl"].includes(name) ? ["version"] : ["--version"];
      expect(await exec(tool.path, args, { env: tool.env })).toMatchObject({ code: 0 });
    },
  );

  test("a Redis answers and is gone after stop", async () => {
    const redis = await startRedis();
    await redis.stop();
    expect(redis.child.hasExited).toBe(true);
  });
});

describe("a real etcd cluster", () => {
  let etcd: EtcdCluster;
  beforeAll(async () => {
    etcd = await startEtcd({ members: 3 });
  });
  afterAll(() => etcd.stop());

  test("a member that was killed comes back on its data", async () => {
    const tool = await peerTool("etcdctl");
    const etcdctl = (args: string[]): ReturnType<typeof exec> =>
      exec(tool.path, ["--endpoints", etcd.endpoints[0] as string, ...args], { env: tool.env });
    expect((await etcdctl(["put", "k", "v"])).stdout).toBe("OK\n");
    await etcd.child(0).kill();
    await etcd.restart(0);
    expect((await etcdctl(["get", "k"])).stdout).toBe("k\nv\n");
  });
});

describe("the lock between processes", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atoll-lock-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("work under one lock never overlaps", async () => {
    let inside = 0;
    const work = (): Promise<void> =>
      withFileLock(join(folder, "a.lock"), async () => {
        inside += 1;
        await new Promise((resolve) => setImmediate(resolve));
        expect(inside).toBe(1);
        inside -= 1;
      });
    await Promise.all([work(), work(), work()]);
  });

  test("the lock of a dead process is taken over", async () => {
    const file = join(folder, "b.lock");
    const dead = await exec(process.execPath, ["-p", "process.pid"]);
    await writeFile(file, dead.stdout.trim());
    expect(await withFileLock(file, async () => "done")).toBe("done");
  });
});
