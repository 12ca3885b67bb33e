import { beforeEach, describe, expect, it } from "vitest";
import { LinearizableReads } from "../../../regional/member/reads.js";
import { AtollError } from "../../../shared/errors.js";
import { NO_LEADER_WAIT_MS, READ_RETRY_MS, REQUEST_TIMEOUT_MS } from "../../../shared/limits.js";

class Source {
  hasLeader = true;
  applied = 10;
  readonly contexts: Uint8Array[] = [];

  readIndex(context: Uint8Array): boolean {
    if (this.hasLeader) this.contexts.push(context);
    return this.hasLeader;
  }

  get last(): Uint8Array {
    return this.contexts.at(-1) as Uint8Array;
  }
}

/** What became of a promise so far. */
async function stateOf(promise: Promise<void>): Promise<string> {
  const pending = new Promise<string>((resolve) => setImmediate(() => resolve("pending")));
  return Promise.race([
    promise.then(
      () => "resolved",
      (error: unknown) => (error as Error).message,
    ),
    pending,
  ]);
}

describe("LinearizableReads", () => {
  let source: Source;
  let reads: LinearizableReads;
  let wakes: number;
  beforeEach(() => {
    source = new Source();
    wakes = 0;
    reads = new LinearizableReads(source, 7, () => {
      wakes++;
    });
  });

  it("shares one round among all reads of a turn", async () => {
    const all = [reads.join(0), reads.join(0), reads.join(0)];
    reads.start(0);
    expect(source.contexts).toHaveLength(1);
    expect(reads.confirm(10, source.last)).toBe(true);
    await Promise.all(all);
    expect(reads.rounds).toBe(1);
    expect(wakes).toBe(1);
  });

  it("lets reads that come during a round wait for the next, which needs an answer of its own", async () => {
    const first = reads.join(0);
    reads.start(0);
    const second = reads.join(1);
    expect(reads.start(1)).toBe(false);
    reads.confirm(10, source.last);
    expect(await stateOf(first)).toBe("resolved");
    expect(await stateOf(second)).toBe("pending");
    expect(reads.start(2)).toBe(true);
    reads.confirm(10, source.last);
    expect(await stateOf(second)).toBe("resolved");
  });

  it("waits until the state is applied through the read index", async () => {
    const read = reads.join(0);
    reads.start(0);
    reads.confirm(12, source.last);
    reads.applied(11);
    expect(await stateOf(read)).toBe("pending");
    reads.applied(12);
    expect(await stateOf(read)).toBe("resolved");
  });

  it("begins a lost round anew with another context and ignores late answers to the old one", async () => {
    const read = reads.join(0);
    reads.start(0);
    const old = source.last;
    reads.tick(READ_RETRY_MS, true);
    expect(reads.start(READ_RETRY_MS)).toBe(true);
    expect(source.last).not.toEqual(old);
    expect(reads.confirm(10, old)).toBe(false);
    expect(await stateOf(read)).toBe("pending");
    reads.confirm(10, source.last);
    expect(await stateOf(read)).toBe("resolved");
  });

  it("goes on with the next leader at once", async () => {
    const read = reads.join(0);
    reads.start(0);
    reads.leaderChanged();
    expect(wakes).toBe(2);
    expect(reads.start(1)).toBe(true);
    reads.confirm(10, source.last);
    expect(await stateOf(read)).toBe("resolved");
  });

  it("fails with etcd's errors: no leader, leader changed, timed out", async () => {
    source.hasLeader = false;
    const alone = reads.join(0);
    reads.start(0);
    reads.tick(NO_LEADER_WAIT_MS, false);
    expect(await stateOf(alone)).toBe("etcdserver: no leader");

    source.hasLeader = true;
    const late = reads.join(0);
    reads.start(0);
    reads.tick(REQUEST_TIMEOUT_MS, true);
    expect(await stateOf(late)).toBe("etcdserver: request timed out");

    const changed = reads.join(0);
    reads.start(0);
    reads.leaderChanged();
    reads.tick(REQUEST_TIMEOUT_MS, true);
    expect(await stateOf(changed)).toBe("etcdserver: leader changed");

    const unapplied = reads.join(0);
    reads.start(0);
    reads.confirm(99, source.last);
    reads.tick(REQUEST_TIMEOUT_MS, true);
    expect(await stateOf(unapplied)).toBe("etcdserver: request timed out");
  });

  it("fails everything, and what comes later, when the member stops", async () => {
    const before = [reads.join(0)];
    reads.start(0);
    before.push(reads.join(100));
    reads.stop(new AtollError("UNAVAILABLE", "etcdserver: server stopped"));
    for (const read of [...before, reads.join(200)]) {
      expect(await stateOf(read)).toBe("etcdserver: server stopped");
    }
  });
});
