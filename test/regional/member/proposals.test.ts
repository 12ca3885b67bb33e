import { beforeEach, describe, expect, it } from "vitest";
import { Proposals } from "../../../regional/member/proposals.js";
import { Refusal, type WireProposal } from "../../../regional/peer/proposal-wire.js";
import type { ProposeOutcome } from "../../../regional/raft/index.js";
import { CommandKind, encodeCommand } from "../../../regional/store/command.js";
import { AtollError } from "../../../shared/errors.js";
import {
  MAX_PENDING_PROPOSALS,
  NO_LEADER_WAIT_MS,
  REQUEST_TIMEOUT_MS,
} from "../../../shared/limits.js";

const SELF = 1;
const OTHER = 2;
const FIRST = 1000;

class Target {
  readonly self = SELF;
  lead = SELF;
  term = 5;
  outcome: ProposeOutcome = "appended";
  connected = true;
  refusal: Refusal | undefined;
  readonly changes: string[] = [];
  readonly appended: string[][] = [];
  readonly forwarded: (readonly WireProposal[])[] = [];
  readonly refusals: { member: number; reason: Refusal; seqs: readonly number[] }[] = [];
  wakes = 0;

  append(datas: readonly Uint8Array[]): ProposeOutcome {
    if (this.outcome === "appended") {
      this.appended.push(datas.map((data) => Buffer.from(data).toString()));
    }
    return this.outcome;
  }

  changeMembers(data: Uint8Array): Refusal | undefined {
    if (this.refusal === undefined) this.changes.push(Buffer.from(data.subarray(18)).toString());
    return this.refusal;
  }

  forward(_lead: number, proposals: readonly WireProposal[]): boolean {
    if (this.connected) this.forwarded.push(proposals);
    return this.connected;
  }

  hears(member: number): boolean {
    return member !== SELF && this.connected;
  }

  refuse(member: number, reason: Refusal, seqs: readonly number[]): void {
    this.refusals.push({ member, reason, seqs });
  }

  wake(): void {
    this.wakes++;
  }
}

describe("Proposals", () => {
  let target: Target;
  let proposals: Proposals<string>;
  const results: string[] = [];
  beforeEach(() => {
    target = new Target();
    proposals = new Proposals(target, FIRST);
    results.length = 0;
  });

  /** Proposes a text; what becomes of it goes to `results`. */
  function propose(text: string, nowMs = 0): void {
    proposals
      .propose(nowMs, () => Buffer.from(text))
      .then(
        (outcome) => results.push(`${text}: ${outcome}`),
        (error: unknown) => results.push(`${text}: ${(error as Error).message}`),
      );
  }

  async function settled(): Promise<string[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return results.splice(0);
  }

  const foreign = (seq: number, text: string): WireProposal => ({ seq, data: Buffer.from(text) });

  it("makes one batch of a turn's own and forwarded proposals", async () => {
    propose("a");
    propose("b");
    proposals.receive(OTHER, [foreign(7, "x"), foreign(8, "y")]);
    proposals.submit();
    expect(target.appended).toEqual([["a", "b", "x", "y"]]);
    proposals.submit();
    expect(target.appended).toHaveLength(1);
    proposals.settle(FIRST + 1, "second");
    proposals.settle(FIRST, "first");
    expect(await settled()).toEqual(["b: second", "a: first"]);
  });

  it("takes changes of the members out of the batch and proposes each by itself", async () => {
    const change = (seq: number, text: string): Uint8Array =>
      encodeCommand(CommandKind.memberAdd, SELF, seq, Buffer.from(text));
    propose("a");
    const own = proposals.propose(0, (seq) => change(seq, "own"));
    proposals.receive(OTHER, [foreign(7, "x"), { seq: 8, data: change(8, "theirs") }]);
    proposals.submit();
    expect(target.changes).toEqual(["own", "theirs"]);
    expect(target.appended).toEqual([["a", "x"]]);
    proposals.settle(FIRST + 1, "added");
    expect(await own).toBe("added");
  });

  it.each([
    [Refusal.notEnoughStarted, "etcdserver: re-configuration failed due to not enough started"],
    [Refusal.unhealthy, "etcdserver: unhealthy cluster"],
    [Refusal.learnerNotReady, "learner member which is in sync with leader"],
  ])("tells own and foreign proposers of a refused change why (%i)", async (refusal, text) => {
    target.refusal = refusal;
    const data = encodeCommand(CommandKind.memberPromote, SELF, 1, new Uint8Array(0));
    const own = expect(proposals.propose(0, () => data)).rejects.toThrow(text);
    proposals.receive(OTHER, [{ seq: 8, data }]);
    proposals.submit();
    await own;
    expect(target.refusals).toEqual([{ member: OTHER, reason: refusal, seqs: [8] }]);
  });

  it("hands over at once what a former leader refuses when there is another", () => {
    target.lead = OTHER;
    propose("a");
    proposals.submit();
    target.lead = SELF;
    target.term++;
    proposals.retry();
    const { wakes } = target;
    proposals.refused(Refusal.notLeading, [FIRST]);
    expect(target.wakes).toBe(wakes + 1);
    proposals.submit();
    expect(target.appended).toEqual([["a"]]);
  });

  it("tries a change that can't be made just now again", () => {
    target.refusal = Refusal.notLeading;
    void proposals.propose(0, (seq) =>
      encodeCommand(CommandKind.memberRemove, SELF, seq, Buffer.from("later")),
    );
    proposals.submit();
    expect(target.changes).toEqual([]);
    target.refusal = undefined;
    proposals.tick(100);
    proposals.submit();
    expect(target.changes).toEqual(["later"]);
  });

  it("answers once, and ignores numbers it doesn't know", async () => {
    propose("a");
    proposals.submit();
    proposals.settle(FIRST, "once");
    proposals.settle(FIRST, "twice");
    proposals.settle(FIRST - 1, "of a former life");
    expect(await settled()).toEqual(["a: once"]);
    expect(proposals.pendingCount).toBe(0);
  });

  it("forwards to the leader in one message, and waits for the connection", () => {
    target.lead = OTHER;
    target.connected = false;
    propose("a");
    proposals.submit();
    propose("b");
    target.connected = true;
    proposals.submit();
    expect(target.forwarded.map((batch) => batch.map((p) => p.seq))).toEqual([[FIRST, FIRST + 1]]);
    proposals.submit();
    expect(target.forwarded).toHaveLength(1);
  });

  it("hands over again only what a leader surely didn't take", async () => {
    target.lead = OTHER;
    propose("a");
    propose("b");
    proposals.submit();
    proposals.refused(Refusal.notLeading, [FIRST, FIRST - 5]);
    proposals.submit();
    expect(target.forwarded).toHaveLength(1);
    target.lead = 3;
    proposals.retry();
    proposals.submit();
    expect(target.forwarded[1]?.map((p) => p.seq)).toEqual([FIRST]);
    proposals.refused(Refusal.tooMany, [FIRST]);
    expect(await settled()).toEqual(["a: etcdserver: too many requests"]);
  });

  it("refuses forwarded proposals when it doesn't lead, or when raft takes none", async () => {
    target.lead = OTHER;
    proposals.receive(3, [foreign(7, "x")]);
    proposals.submit();
    target.lead = SELF;
    target.outcome = "transferring";
    propose("a");
    proposals.receive(3, [foreign(8, "y")]);
    proposals.submit();
    target.outcome = "uncommitted-limit";
    proposals.receive(3, [foreign(9, "z")]);
    proposals.submit();
    expect(target.refusals).toEqual([
      { member: 3, reason: Refusal.notLeading, seqs: [7] },
      { member: 3, reason: Refusal.notLeading, seqs: [8] },
      { member: 3, reason: Refusal.tooMany, seqs: [9] },
    ]);
    target.outcome = "appended";
    proposals.tick(100);
    proposals.submit();
    expect(target.appended).toEqual([["a"]]);
    expect(await settled()).toEqual([]);
  });

  it("fails what may have been lost with a leader as soon as a later term is applied", async () => {
    propose("lost");
    proposals.submit();
    target.term = 6;
    propose("new");
    proposals.submit();
    target.lead = 0;
    propose("held");
    proposals.termApplied(6);
    expect(await settled()).toEqual([
      "lost: etcdserver: request timed out, possibly due to previous leader failure",
    ]);
    expect(proposals.pendingCount).toBe(2);
  });

  it("awaits the word of a former leader that lives, for a tick or two", async () => {
    target.lead = OTHER;
    propose("refused");
    propose("lost");
    proposals.submit();
    target.lead = SELF;
    target.term = 6;
    proposals.termApplied(6);
    proposals.tick(100);
    proposals.refused(Refusal.notLeading, [FIRST]);
    proposals.submit();
    expect(target.appended).toEqual([["refused"]]);
    expect(await settled()).toEqual([]);
    proposals.tick(200);
    expect(await settled()).toEqual([
      "lost: etcdserver: request timed out, possibly due to previous leader failure",
    ]);
    expect(proposals.pendingCount).toBe(1);
  });

  it("fails without effect when no leader comes, and unsurely when no answer comes", async () => {
    propose("sent", 0);
    proposals.submit();
    target.lead = 0;
    propose("held", 1);
    proposals.submit();
    proposals.tick(NO_LEADER_WAIT_MS + 1);
    expect(await settled()).toEqual(["held: etcdserver: no leader"]);
    proposals.tick(REQUEST_TIMEOUT_MS);
    expect(await settled()).toEqual(["sent: etcdserver: request timed out"]);
    target.lead = SELF;
    proposals.submit();
    expect(target.appended).toEqual([["sent"]]);
  });

  it("bounds what is pending", async () => {
    for (let i = 0; i < MAX_PENDING_PROPOSALS; i++) propose("x");
    propose("one too many");
    expect(await settled()).toEqual(["one too many: etcdserver: too many requests"]);
    proposals.stop(new AtollError("UNAVAILABLE", "etcdserver: server stopped"));
    propose("late");
    const all = await settled();
    expect(all).toHaveLength(MAX_PENDING_PROPOSALS + 1);
    expect(new Set(all)).toEqual(
      new Set(["x: etcdserver: server stopped", "late: etcdserver: server stopped"]),
    );
  });
});
