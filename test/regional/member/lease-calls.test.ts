import { beforeEach, describe, expect, it } from "vitest";
import { LeaseCalls, type LeaseCallTarget } from "../../../regional/member/lease-calls.js";
import type { LeaseStatus } from "../../../regional/node.js";
import { FRAME_HEAD_BYTES } from "../../../regional/peer/frame.js";
import {
  decodeLeaseAnswers,
  decodeLeaseCalls,
  type LeaseAnswer,
  type LeaseCall,
  LeaseOp,
  leaseAnswersFrame,
  leaseCallsFrame,
} from "../../../regional/peer/lease-wire.js";
import { NO_LEADER_WAIT_MS, REQUEST_TIMEOUT_MS } from "../../../shared/limits.js";

const SELF = 1;
const OTHER = 2;

class Target implements LeaseCallTarget {
  readonly self = SELF;
  lead = OTHER;
  leading = true;
  readonly calls: (readonly LeaseCall[])[] = [];
  readonly answers: { to: number; answers: readonly LeaseAnswer[] }[] = [];

  answer(op: LeaseOp, lease: bigint): Promise<LeaseStatus | undefined> {
    const status = { ttl: op === LeaseOp.keepAlive ? 30 : -1, grantedTtl: Number(lease) };
    return Promise.resolve(this.leading ? status : undefined);
  }

  sendCalls(_lead: number, calls: readonly LeaseCall[]): boolean {
    this.calls.push(calls);
    return true;
  }

  sendAnswers(to: number, answers: readonly LeaseAnswer[]): void {
    this.answers.push({ to, answers });
  }

  wake(): void {}
}

describe("LeaseCalls", () => {
  let target: Target;
  let calls: LeaseCalls;
  beforeEach(() => {
    target = new Target();
    calls = new LeaseCalls(target, 100);
  });

  it("sends all calls of a turn to the leader in one frame and takes its answers", async () => {
    const both = [calls.call(LeaseOp.keepAlive, 7n, 0), calls.call(LeaseOp.timeToLive, -8n, 0)];
    calls.submit();
    calls.submit();
    expect(target.calls).toHaveLength(1);
    const wire = leaseCallsFrame(target.calls[0] ?? []).subarray(FRAME_HEAD_BYTES);
    expect(decodeLeaseCalls(wire)).toEqual([
      { call: 100, op: LeaseOp.keepAlive, lease: 7n },
      { call: 101, op: LeaseOp.timeToLive, lease: -8n },
    ]);
    const answers = [
      { call: 101, answered: true, ttl: -1, grantedTtl: 0 },
      { call: 100, answered: true, ttl: 30, grantedTtl: 30 },
      { call: 99, answered: true, ttl: 1, grantedTtl: 1 },
    ];
    calls.receive(decodeLeaseAnswers(leaseAnswersFrame(answers).subarray(FRAME_HEAD_BYTES)));
    expect(await Promise.all(both)).toEqual([
      { ttl: 30, grantedTtl: 30 },
      { ttl: -1, grantedTtl: 0 },
    ]);
  });

  it("answers here when it leads, for itself and for others", async () => {
    target.lead = SELF;
    const own = calls.call(LeaseOp.keepAlive, 7n, 0);
    calls.submit();
    expect(await own).toEqual({ ttl: 30, grantedTtl: 7 });
    await calls.serve(3, [{ call: 5, op: LeaseOp.keepAlive, lease: 9n }]);
    target.leading = false;
    await calls.serve(3, [{ call: 6, op: LeaseOp.keepAlive, lease: 9n }]);
    expect(target.answers).toEqual([
      { to: 3, answers: [{ call: 5, answered: true, ttl: 30, grantedTtl: 9 }] },
      { to: 3, answers: [{ call: 6, answered: false, ttl: 0, grantedTtl: 0 }] },
    ]);
  });

  it("asks the next leader what the former one didn't answer", async () => {
    const call = calls.call(LeaseOp.keepAlive, 7n, 0);
    calls.submit();
    calls.receive([{ call: 100, answered: false, ttl: 0, grantedTtl: 0 }]);
    calls.submit();
    target.lead = 3;
    calls.leaderChanged();
    calls.submit();
    expect(target.calls).toHaveLength(3);
    calls.receive([{ call: 100, answered: true, ttl: 5, grantedTtl: 5 }]);
    expect((await call).ttl).toBe(5);
  });

  it("fails with etcd's errors when nobody answers in time", async () => {
    const late = expect(calls.call(LeaseOp.keepAlive, 7n, 0)).rejects.toThrow(
      "etcdserver: request timed out",
    );
    calls.submit();
    calls.tick(REQUEST_TIMEOUT_MS);
    await late;
    target.lead = 0;
    const alone = expect(calls.call(LeaseOp.keepAlive, 7n, 0)).rejects.toThrow(
      "etcdserver: no leader",
    );
    calls.submit();
    calls.tick(NO_LEADER_WAIT_MS);
    await alone;
  });
});
