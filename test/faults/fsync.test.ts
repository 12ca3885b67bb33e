import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.js";
import { KV } from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { RpcClient } from "../../shared/rpc/client.js";
import { type Region, startRegion } from "../peers/atoll.js";
import { REPOSITORY_ROOT } from "../peers/paths.js";
import { peerTool } from "../peers/tools.js";
import { readSyncs, straceArgs, traceEnded } from "./sync-trace.js";

/**
 * No put is answered before its log record is on the disk of a majority, as the kernel
 * saw it: between a lone put's request and its answer, a sync of the log's file began
 * and returned on at least two of three members. A build whose log doesn't sync fails
 * the same check, so the check can fail.
 */
const PUTS = 40;
const MAJORITY = 2;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atoll-fsync-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Span {
  readonly asked: number;
  readonly answered: number;
}

async function putOneByOne(region: Region): Promise<Span[]> {
  const client = new RpcClient(region.endpoints[0] as string);
  const spans: Span[] = [];
  try {
    for (let n = 0; n < PUTS; n++) {
      const asked = Date.now() / 1000;
      await client.unary(KV.method.put, { key: utf8(`/k/${n}`), value: utf8("v") });
      // Date.now() rounds down to the millisecond, so the span may only come out longer at its end.
      spans.push({ asked, answered: (Date.now() + 1) / 1000 });
    }
  } finally {
    client.close();
  }
  return spans;
}

/** How many of the puts had a majority's syncs within their span. */
async function syncedPuts(program?: string): Promise<number> {
  const strace = await peerTool("strace");
  const traces = [0, 1, 2].map((index) => join(folder, `trace-${index}`));
  const region = await startRegion({
    members: 3,
    wrapper: (index) => [strace.path, ...straceArgs(traces[index] as string)],
    ...(program === undefined ? {} : { program }),
  });
  const pids = traces.map((_, index) => region.child(index).pid);
  let spans: Span[];
  try {
    spans = await putOneByOne(region);
  } finally {
    await region.stop();
  }
  await Promise.all(traces.map((trace, index) => traceEnded(trace, pids[index] as number)));
  const syncs = traces.map((trace) => readSyncs(trace, "/log.db"));
  return spans.filter((span) => {
    const members = syncs.filter((calls) =>
      calls.some((call) => call.beganAt >= span.asked && call.returnedAt <= span.answered),
    );
    return members.length >= MAJORITY;
  }).length;
}

/** A copy of the build whose log asks SQLite not to sync. */
async function buildWithoutSync(): Promise<string> {
  const dist = join(folder, "dist");
  for (const part of ["regional", "shared"]) {
    await cp(join(REPOSITORY_ROOT, "dist", part), join(dist, part), { recursive: true });
  }
  await symlink(join(REPOSITORY_ROOT, "node_modules"), join(folder, "node_modules"));
  await cp(join(REPOSITORY_ROOT, "package.json"), join(folder, "package.json"));
  let changed = 0;
  const log = join(dist, "regional/log");
  for (const name of (await readdir(log)).filter((file) => file.endsWith(".js"))) {
    const text = await readFile(join(log, name), "utf8");
    const without = text.replaceAll(/synchronous *= *FULL/gi, "synchronous = OFF");
    if (without !== text) changed += 1;
    await writeFile(join(log, name), without);
  }
  expect(changed).toBeGreaterThan(0);
  return join(dist, "regional/main.js");
}

test("every put is on the disk of a majority before it is answered", async () => {
  expect(await syncedPuts()).toBe(PUTS);
});

test("a build without the sync fails that check", async () => {
  expect(await syncedPuts(await buildWithoutSync())).toBe(0);
});
