import { beforeEach, describe, expect, test } from "vitest";
import {
  appResp,
  ELECTION_TICKS,
  Group,
  heartbeat,
  preVote,
  preVoteResp,
  type Settings,
} from "./group.js";

const SETTINGS: Settings = { preVote: true, checkQuorum: true, honourLeases: true };

function group(
  ids: readonly number[] = [1, 2, 3],
  own: (id: number) => Settings = () => ({}),
): Group {
  const made = new Group(ids, SETTINGS, ids, own);
  // Past the time in which a node that has just started gives no vote.
  made.tick(ELECTION_TICKS - 1);
  return made;
}

describe("a leader that is known to be gone", () => {
  let nodes: Group;
  beforeEach(() => {
    nodes = group();
    nodes.elect(3);
    nodes.tick(1);
    nodes.isolate(3);
  });

  test("is followed within a tick by the first of the rest", () => {
    expect(nodes.node(2).raw.peerGone(3)).toBe(false);
    expect(nodes.node(1).raw.peerGone(3)).toBe(true);
    expect(nodes.node(1).status.lead).toBe(0);
    nodes.tick(1, [1, 2]);
    expect(nodes.node(1).status).toMatchObject({ raftState: "leader", term: 2 });
    expect(nodes.node(2).status.lead).toBe(1);
  });

  test("is followed at once when the first campaigns as soon as the others know", () => {
    for (const id of [1, 2]) nodes.node(id).raw.peerGone(3);
    nodes.elect(1);
    expect(nodes.node(2).status).toMatchObject({ lead: 1, term: 2 });
  });

  test("is followed by the next when the first has not heard of it", () => {
    nodes.node(2).raw.peerGone(3);
    nodes.tick(2, [2]);
    expect(nodes.node(2).status.raftState).toBe("pre-candidate");
    // Whoever still believes in the leader doesn't answer, and that raises no term.
    expect(nodes.node(1).status).toMatchObject({ lead: 3, term: 1 });
    nodes.node(1).raw.peerGone(3);
    nodes.tick(2, [2]);
    expect(nodes.node(2).status).toMatchObject({ raftState: "leader", term: 2 });
  });

  test("is followed by whose log reaches further, without waiting for its turn", () => {
    nodes.lose = (message) => message.to === 1 || message.from === 1;
    nodes.node(3).propose("only on 3 and 2");
    nodes.settle();
    nodes.isolate(3);
    for (const id of [1, 2]) nodes.node(id).raw.peerGone(3);
    nodes.tick(1, [1, 2]);
    expect(nodes.node(2).status).toMatchObject({ raftState: "leader", term: 2 });
    expect(nodes.applied(1)).toEqual(["only on 3 and 2"]);
  });

  test("has an heir of its own choice first, where there are priorities", () => {
    nodes = group([1, 2, 3], (id) => ({ priority: id === 2 ? 5 : 0 }));
    nodes.elect(3);
    nodes.lose = (message) => message.type === appResp && message.from === 2;
    nodes.tick(ELECTION_TICKS + 1);
    expect(nodes.node(3).status.raftState).toBe("leader");
    nodes.isolate(3);
    for (const id of [1, 2])
      nodes.node(id).step({ type: heartbeat, from: 3, to: id, term: 1, priority: 5 });
    expect(nodes.node(1).raw.peerGone(3)).toBe(false);
    nodes.node(2).raw.peerGone(3);
    nodes.tick(1, [1, 2]);
    expect(nodes.node(1).status.raftState).toBe("follower");
    nodes.tick(1, [1, 2]);
    expect(nodes.node(2).status.raftState).toBe("leader");
  });
});

describe("wrong news that the leader is gone", () => {
  test("disturbs nobody: the leader goes on, in its term", () => {
    const nodes = group();
    nodes.elect(3);
    nodes.tick(1);
    nodes.node(1).raw.peerGone(3);
    nodes.node(1).tick();
    expect(nodes.node(1).take(preVote)).toHaveLength(2);
    nodes.settle();
    nodes.tick(1);
    expect(nodes.node(1).status).toMatchObject({ raftState: "follower", lead: 3, term: 1 });
    // It is forgotten with the leader's next message.
    nodes.isolate(3);
    nodes.tick(ELECTION_TICKS - 1, [1, 2]);
    expect(nodes.node(1).sent).toEqual([]);
    expect(nodes.node(1).status).toMatchObject({ lead: 3, term: 1 });
  });

  test("is forgotten when the leader speaks before it is one's turn", () => {
    const nodes = group();
    nodes.elect(3);
    nodes.tick(1);
    nodes.node(2).raw.peerGone(3);
    nodes.tick(1);
    nodes.node(2).tick(2);
    expect(nodes.node(2).take(preVote)).toEqual([]);
    expect(nodes.node(2).status).toMatchObject({ lead: 3, term: 1 });
  });

  test("is passed over when it is of somebody else, and on whoever doesn't follow", () => {
    const nodes = group();
    nodes.elect(3);
    expect(nodes.node(1).raw.peerGone(2)).toBe(false);
    expect(nodes.node(3).raw.peerGone(1)).toBe(false);
    expect(nodes.node(3).raw.peerGone(3)).toBe(false);
    expect(nodes.node(1).status.lead).toBe(3);
    expect(nodes.node(3).status.raftState).toBe("leader");
  });

  test("is acted on for one election timeout and no longer", () => {
    const nodes = group([1, 2, 3, 4, 5]);
    nodes.elect(5);
    nodes.tick(1);
    nodes.lose = (message) => message.type === preVoteResp || message.from === 5;
    nodes.node(1).raw.peerGone(5);
    let rounds = 0;
    // Its own election timeout would come only after all of these ticks.
    nodes.node(1).raw.setElectionTimeout(10 * ELECTION_TICKS);
    for (let i = 0; i < 4 * ELECTION_TICKS; i++) {
      nodes.node(1).tick();
      rounds += nodes.node(1).take(preVote).length / 4;
    }
    // Four voters take turns.
    expect(rounds).toBe(3);
  });
});
