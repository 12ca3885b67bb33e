import { create } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { Environment } from "../../../deploy/cli/environment.js";
import { showStatus } from "../../../deploy/cli/status.js";
import { AtollError } from "../../../shared/errors.js";
import {
  Cluster,
  Maintenance,
  type Member,
  MemberListResponseSchema,
  MemberSchema,
  StatusResponseSchema,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { freePorts } from "../../../shared/ports.js";
import { RpcServer } from "../../../shared/rpc/server.js";

const servers: RpcServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(0);
});

interface Fake {
  readonly id: bigint;
  readonly leads?: boolean;
  readonly isLearner?: boolean;
  /** The membership as it knows it. */
  readonly members: () => Member[];
}

/** A member that only says how it is; its address. */
async function startFake({ id, leads = false, isLearner = false, members }: Fake): Promise<string> {
  const server = new RpcServer({ observe: undefined, report: () => {} });
  servers.push(server);
  server.add(Maintenance, {
    status: () =>
      create(StatusResponseSchema, {
        header: { memberId: id, revision: 7n },
        leader: leads ? id : 99n,
        raftIndex: 10n,
        raftAppliedIndex: 10n,
        raftTerm: 3n,
        isLearner,
      }),
  });
  server.add(Cluster, {
    memberList: () => {
      if (isLearner) throw new AtollError("UNAVAILABLE", "rpc not supported for learner");
      return create(MemberListResponseSchema, { members: members() });
    },
  });
  return `127.0.0.1:${await server.listen("127.0.0.1:0")}`;
}

async function statusOf(clients: readonly string[]): Promise<string[]> {
  let text = "";
  const members = clients.map((client, i) => ({
    name: `member-${i}`,
    client,
    peer: "127.0.0.1:1",
    http: "127.0.0.1:1",
  }));
  const topology = { regions: [{ name: "east", members, gateways: [] }] };
  await showStatus(new Environment(topology, "table", (more) => (text += more)));
  return text.split("\n").map((line) => line.replace(/ +/g, " ").trimEnd());
}

function listed(id: bigint, name: string, client: string, isLearner = false): Member {
  return create(MemberSchema, {
    ID: id,
    name,
    peerURLs: [`http://127.0.0.1:${id}`],
    clientURLs: client === "" ? [] : [`http://${client}`],
    isLearner,
  });
}

describe("the status of a region", () => {
  test("shows learners, members that never started, and those that the topology doesn't name", async () => {
    const members: Member[] = [];
    const leader = await startFake({ id: 11n, leads: true, members: () => members });
    const learner = await startFake({ id: 22n, isLearner: true, members: () => members });
    const unnamed = await startFake({ id: 33n, members: () => members });
    members.push(
      listed(11n, "member-0", leader),
      listed(22n, "member-1", learner, true),
      listed(33n, "joined", unnamed),
      listed(44n, "", "", true),
    );
    const lines = await statusOf([leader, learner]);
    expect(lines).toContain("east member-0 leader 3 7 0 - -");
    expect(lines).toContain("east member-1 learner 3 7 0 - -");
    expect(lines).toContain("east joined follower 3 7 0 - -");
    expect(lines).toContain(
      "east 2c learner, down - - - - - added, and never started; it is expected at http://127.0.0.1:44",
    );
  });

  test("shows members that don't answer by their role, and those that were removed", async () => {
    const members: Member[] = [];
    const leader = await startFake({ id: 11n, leads: true, members: () => members });
    const removed = await startFake({ id: 22n, members: () => members });
    const [nobody] = await freePorts(1);
    members.push(
      listed(11n, "member-0", leader),
      listed(33n, "member-2", `127.0.0.1:${nobody}`, true),
    );
    const lines = await statusOf([leader, removed, `127.0.0.1:${nobody}`]);
    expect(lines).toContain("east member-1 follower 3 7 0 - - not in the region's membership");
    expect(lines.find((line) => line.startsWith("east member-2"))).toMatch(
      /^east member-2 learner, down - - - - - .*ECONNREFUSED/,
    );
  });
});
