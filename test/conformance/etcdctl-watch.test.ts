import { afterAll, beforeAll, expect, test } from "vitest";
import { etcdctl, startEtcdctl } from "./etcdctl.js";
import { both, type Pair, type Subject, startPair } from "./subject.js";

/** etcdctl's watch: what it prints must be what it prints on real etcd. */
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.stop());

/** Commands on one subject, one after the other, through the members in turn. */
async function all(subject: Subject, ...lines: string[]): Promise<void> {
  for (const [i, line] of lines.entries()) {
    const { code, stderr } = await etcdctl(subject, i % 3, line.split(" "));
    expect(stderr).toBe("");
    expect(code).toBe(0);
  }
}

async function watched(subject: Subject, args: string[], lines: number): Promise<string[]> {
  const watch = await startEtcdctl(subject, 2, ["watch", ...args]);
  const printed = await watch.lines(lines);
  await watch.end("interrupt");
  return printed;
}

test("history from a revision on, one key, a range and a prefix", async () => {
  const printed = await both(pair, async (subject) => {
    await all(
      subject,
      "put w/1 a",
      "put w/2 b",
      "put w/1 c",
      "del w/1",
      "put w/3 d",
      "del w/ --prefix",
    );
    return [
      await watched(subject, ["w/1", "--rev=2"], 9),
      await watched(subject, ["w/1", "w/3", "--rev=3"], 12),
      await watched(subject, ["w/", "--prefix", "--rev=2"], 21),
      await watched(subject, ["w/", "--prefix", "--rev=2", "--prev-kv"], 29),
      await watched(subject, ["w/2", "--from-key", "--rev=5"], 9),
    ];
  });
  expect(printed[0]).toEqual(["PUT", "w/1", "a", "PUT", "w/1", "c", "DELETE", "w/1", ""]);
});

test("a watch that is there before the puts", async () => {
  await both(pair, async (subject) => {
    const watch = await startEtcdctl(subject, 0, ["watch", "live", "--prefix", "--prev-kv"]);
    // etcdctl doesn't say when its watch is there, so puts go on until it has seen one.
    let knocking = all(subject, "put live/knock x");
    const first = watch.lines(1).then(() => "seen");
    while ((await Promise.race([first, knocking])) !== "seen") {
      knocking = all(subject, "put live/knock x");
    }
    await knocking;
    await all(subject, "put live/1 x", "put live/1 y", "del live/1", "put live/end z");
    let printed: string[] = [];
    for (let count = 1; !printed.includes("live/end"); count++) printed = await watch.lines(count);
    await watch.end("interrupt");
    return printed.slice(printed.indexOf("live/1") - 1);
  });
});

test("several watches over one stream", async () => {
  const printed = await both(pair, async (subject) => {
    await all(subject, "put i/1 a", "put i/2 b");
    const watch = await startEtcdctl(subject, 1, ["watch", "--interactive"]);
    watch.type("watch i/1 --rev=2\n");
    // etcdctl prints each watch's lines as they come, so two at once may be mixed.
    await watch.lines(3);
    watch.type("watch i/2 --rev=2\n");
    const lines = await watch.lines(6);
    await watch.end("interrupt");
    return [lines.slice(0, 3), lines.slice(3)].map((one) => one.join(" "));
  });
  expect(printed).toEqual(["PUT i/1 a", "PUT i/2 b"]);
});

test("a compacted revision ends it with an error", async () => {
  const ended = await both(pair, async (subject) => {
    await all(subject, "put x 1", "put x 2", "compaction 14");
    const watch = await startEtcdctl(subject, 1, ["watch", "x", "--rev=3"]);
    return watch.end("await");
  });
  expect(ended.code).not.toBe(0);
  expect(ended.stdout + ended.stderr).toContain("required revision has been compacted");
});

test("an empty range ends it with an error", async () => {
  await both(pair, async (subject) => {
    const watch = await startEtcdctl(subject, 1, ["watch", "b", "a"]);
    return watch.end("await");
  });
});
