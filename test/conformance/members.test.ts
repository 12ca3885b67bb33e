import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Cluster,
  KV,
  Lease,
  Maintenance,
  Watch,
} from "../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { etcdctl } from "./etcdctl.js";
import { ctl, idAt, inTime, leaderOf, moveTo, raw, urlAt, withClient } from "./member-calls.js";
import { answerJson, failureJson, step } from "./raw.js";
import { both, type Pair, type Subject, startPair } from "./subject.js";

/**
 * Changes of the members on real etcd and on ours, step by step on two groups of three that
 * have been healthy for a while: answers, codes and texts must be equal.
 */
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.stop());

const { memberAdd, memberRemove, memberUpdate, memberPromote, memberList } = Cluster.method;
const { moveLeader, status } = Maintenance.method;

describe("what is refused in any state", () => {
  test.each([
    ["no URL", memberAdd, { peerURLs: [] }],
    ["a URL without a scheme", memberAdd, { peerURLs: ["127.0.0.1:1"] }],
    ["a URL without a port", memberAdd, { peerURLs: ["http://127.0.0.1"] }],
    ["a URL with a path", memberAdd, { peerURLs: ["http://127.0.0.1:1/x"] }],
    ["the removal of a stranger", memberRemove, { ID: 12345n }],
    ["the promotion of a stranger", memberPromote, { ID: 12345n }],
    ["a stranger's move", memberUpdate, { ID: 12345n, peerURLs: ["http://127.0.0.1:1"] }],
  ])("%s", async (title, method, request) => {
    const result = await both(pair, (subject) =>
      inTime(() => raw(subject, 1, step(title, method as typeof memberAdd, request as object))),
    );
    expect(result).toHaveProperty("code");
  });

  test("the promotion of a voter", async () => {
    await both(pair, async (subject) =>
      raw(subject, 2, step("promote", memberPromote, { ID: await idAt(subject, 1) })),
    );
  });

  test("an address that is taken", async () => {
    await both(pair, (subject) =>
      inTime(() => raw(subject, 0, step("add", memberAdd, { peerURLs: [urlAt(subject, 1)] }))),
    );
    await both(pair, async (subject) => {
      const request = { ID: await idAt(subject, 0), peerURLs: [urlAt(subject, 1)] };
      return raw(subject, 0, step("update", memberUpdate, request));
    });
  });
});

describe("a learner", () => {
  test("is added; there is one at a time", async () => {
    await both(pair, async (subject) => {
      await subject.prepare();
      await subject.prepare();
      return "prepared";
    });
    const added = await both(pair, (subject) =>
      inTime(() => ctl(subject, 3, "member", "add", "member-3", "--learner", "--peer-urls=URL")),
    );
    expect(added).toMatchObject({ code: 0 });
    await both(pair, (subject) =>
      ctl(subject, 4, "member", "add", "member-4", "--learner", "--peer-urls=URL"),
    );
    await both(pair, (subject) => ctl(subject, 3, "member", "list"));
  });

  test("is not promoted before it has started", async () => {
    const refused = await both(pair, (subject) => ctl(subject, 3, "member", "promote", "ID"));
    expect(JSON.stringify(refused)).toContain("in sync with leader");
  });

  test("is no leader's successor", async () => {
    await both(pair, async (subject) => moveTo(subject, 3));
  });

  test("serves what a learner serves, once it has started", async () => {
    await both(pair, async (subject) => {
      subject.launch(3);
      await withClient(subject.endpoints[3] as string, async (client) => {
        const giveUpAt = performance.now() + 30_000;
        for (;;) {
          try {
            const answer = await client.unary(status, {});
            if (answer.leader !== 0n && answer.isLearner) return;
          } catch (error) {
            if (performance.now() > giveUpAt) throw error;
          }
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
      return "started";
    });
    const key = new Uint8Array([107]);
    for (const one of [
      step("serializable get", KV.method.range, { key, serializable: true }),
      step("linearizable get", KV.method.range, { key }),
      step("put", KV.method.put, { key }),
      step("lease", Lease.method.leaseLeases, {}),
      step("members", memberList, {}),
      step("transfer", moveLeader, { targetID: 1n }),
    ]) {
      await both(pair, (subject) => raw(subject, 3, one));
    }
    await both(pair, (subject) =>
      withClient(subject.endpoints[3] as string, async (client) => {
        try {
          for await (const message of client.bidi(Watch.method.watch)) {
            return answerJson(Watch.method.watch.output, message);
          }
          return "ended";
        } catch (error) {
          return failureJson(error);
        }
      }),
    );
  });

  test("is promoted, and listed by its name", async () => {
    await both(pair, (subject) =>
      inTime(() => ctl(subject, 3, "member", "promote", "ID"), "in sync"),
    );
    await both(pair, (subject) => raw(subject, 1, step("list", memberList, {})));
  });
});

describe("leadership", () => {
  test("is moved by the leader only, to a member", async () => {
    await both(pair, async (subject) => {
      const leads = await leaderOf(subject);
      const other = (leads + 1) % 3;
      return [
        await moveTo(subject, leads, other),
        await raw(subject, leads, step("to nobody", moveLeader, { targetID: 12345n })),
        await moveTo(subject, leads),
        await moveTo(subject, other),
        (await leaderOf(subject)) === other,
      ];
    });
  });

  test("is moved by etcdctl", async () => {
    await both(pair, async (subject) => {
      const target = ((await leaderOf(subject)) + 1) % 3;
      const id = (await idAt(subject, target)).toString(16);
      const { code, stdout, stderr } = await etcdctl(subject, "all", ["move-leader", id]);
      const stranger = await etcdctl(subject, await leaderOf(subject), ["move-leader", "1"]);
      const refusal = stranger.stderr.replace(/ENDPOINT\d/g, "ENDPOINT");
      const moved = (await leaderOf(subject)) === target;
      return { code, stdout, stderr, stranger: stranger.code, refusal, moved };
    });
  });
});

describe("members", () => {
  test("move", async () => {
    await both(pair, (subject) =>
      ctl(subject, 4, "member", "update", "ID", "--peer-urls=URL").catch(() => "no such member"),
    );
    await both(pair, async (subject) => {
      const id = (await idAt(subject, 3)).toString(16);
      const args = ["member", "update", id, `--peer-urls=${urlAt(subject, 3)}`];
      const { code, stdout, stderr } = await etcdctl(subject, 0, args);
      return { code, stdout, stderr };
    });
  });

  test("are added as voters while the group can bear it", async () => {
    const added = await both(pair, (subject) =>
      inTime(() => ctl(subject, 4, "member", "add", "member-4", "--peer-urls=URL")),
    );
    expect(added).toMatchObject({ code: 0 });
    const refused = await both(pair, (subject) =>
      raw(subject, 0, step("add", memberAdd, { peerURLs: ["http://127.0.0.1:9"] })),
    );
    expect(refused).toMatchObject({ message: "etcdserver: unhealthy cluster" });
    await both(pair, (subject) => ctl(subject, 4, "member", "list", "-w", "fields"));
  });

  test("are removed, once", async () => {
    const ids = {
      etcd: (await idAt(pair.etcd, 4)).toString(16),
      atoll: (await idAt(pair.atoll, 4)).toString(16),
    };
    const remove = async (subject: Subject): Promise<unknown> => {
      const { code, stdout, stderr } = await etcdctl(subject, 0, [
        "member",
        "remove",
        subject.name === "etcd" ? ids.etcd : ids.atoll,
      ]);
      return { code, stdout, stderr };
    };
    expect(await both(pair, remove)).toMatchObject({ code: 0 });
    expect(await both(pair, remove)).toMatchObject({ code: 1 });
    await both(pair, (subject) => raw(subject, 1, step("list", memberList, {})));
  });

  test.each([
    [["member", "remove", "xyz"]],
    [["member", "remove"]],
    [["member", "add", "member-9"]],
    [["member", "add", "member-9", "--peer-urls=nonsense"]],
    [["member", "promote", "1"]],
    [["member", "update", "1", "--peer-urls=http://127.0.0.1:1"]],
  ])("etcdctl %j", async (args) => {
    await both(pair, async (subject) => {
      const { code, stdout, stderr } = await etcdctl(subject, 1, args);
      return { code, stdout, stderr };
    });
  });
});
