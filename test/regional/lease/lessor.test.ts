import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeCheckpoint,
  decodeExpiry,
  encodeCheckpoint,
  encodeExpiry,
} from "../../../regional/lease/commands.js";
import { Lessor } from "../../../regional/lease/lessor.js";
import type { LeaseInfo } from "../../../regional/store/state.js";
import {
  LEASE_CHECKPOINT_INTERVAL_MS,
  LEASE_EXPIRIES_PER_SECOND,
  LEASE_EXPIRY_RETRY_MS,
} from "../../../shared/limits.js";

const S = 1_000;
const ALL = 1_000_000;

function lease(id: bigint, ttl: number, remainingTtl = 0): LeaseInfo {
  return { id, ttl, remainingTtl };
}

function leading(leases: readonly LeaseInfo[] = [], now = 0): Lessor {
  const lessor = new Lessor();
  lessor.promote(4, leases, now, 0);
  return lessor;
}

function grant(lessor: Lessor, now: number, info: LeaseInfo): void {
  lessor.applied([{ kind: "granted", lease: info }], now);
}

describe("a leading lessor", () => {
  test("lets a lease expire when its time is over, oldest first", () => {
    const lessor = leading();
    grant(lessor, 0, lease(1n, 10));
    grant(lessor, 0, lease(2n, 5));
    expect(lessor.expired(5 * S - 1, ALL)).toEqual([]);
    expect(lessor.remaining(2n, 1)).toBe(4);
    expect(lessor.expired(5 * S, ALL)).toEqual([2n]);
    expect(lessor.remaining(2n, 9 * S)).toBe(0);
    lessor.applied([{ kind: "revoked", id: 2n }], 6 * S);
    expect(lessor.remaining(2n, 6 * S)).toBeUndefined();
    expect(lessor.expired(100 * S, ALL)).toEqual([1n]);
    expect(lessor.size).toBe(1);
  });

  test("renews, and what is renewed expires later", () => {
    const lessor = leading();
    grant(lessor, 0, lease(1n, 10));
    expect(lessor.renew(1n, 9 * S)).toBe(10);
    expect(lessor.expired(18 * S, ALL)).toEqual([]);
    expect(lessor.remaining(1n, 18 * S)).toBe(1);
    expect(lessor.expired(19 * S, ALL)).toEqual([1n]);
  });

  test("doesn't renew what has expired or what it doesn't know", () => {
    const lessor = leading();
    grant(lessor, 0, lease(1n, 10));
    expect(lessor.renew(1n, 10 * S)).toBe(0);
    expect(lessor.renew(2n, 1)).toBe(0);
    expect(lessor.expired(10 * S, ALL)).toEqual([1n]);
  });

  test("names at most as many as it is asked for, and again those that the log didn't end", () => {
    const lessor = leading();
    for (const id of [1n, 2n, 3n]) grant(lessor, Number(id), lease(id, 1));
    expect(lessor.expired(2 * S, 2)).toEqual([1n, 2n]);
    expect(lessor.expired(2 * S, 2)).toEqual([3n]);
    expect(lessor.expired(2 * S, 2)).toEqual([]);
    lessor.applied([{ kind: "revoked", id: 1n }], 2 * S);
    expect(lessor.expired(2 * S + LEASE_EXPIRY_RETRY_MS, ALL)).toEqual([2n, 3n]);
  });

  test("an id that is granted again has its own time", () => {
    const lessor = leading();
    grant(lessor, 0, lease(1n, 5));
    lessor.applied([{ kind: "revoked", id: 1n }], 1 * S);
    grant(lessor, 2 * S, lease(1n, 60));
    expect(lessor.expired(50 * S, ALL)).toEqual([]);
    expect(lessor.expired(62 * S, ALL)).toEqual([1n]);
    expect(lessor.expired(62 * S, ALL)).toEqual([]);
  });
});

describe("a change of leader", () => {
  test("gives every lease its remaining time and one election timeout", () => {
    const lessor = new Lessor();
    lessor.promote(9, [lease(1n, 60), lease(2n, 60, 20)], 100 * S, 1 * S);
    expect(lessor.term).toBe(9);
    expect(lessor.remaining(2n, 100 * S)).toBe(21);
    expect(lessor.remaining(1n, 100 * S)).toBe(61);
    expect(lessor.expired(121 * S, ALL)).toEqual([2n]);
  });

  test("spreads leases that would end together", () => {
    const count = 3 * LEASE_EXPIRIES_PER_SECOND;
    const leases = Array.from({ length: count }, (_, i) => lease(BigInt(i + 1), 10));
    const lessor = leading(leases);
    let ended = 0;
    for (let second = 10; second <= 13; second++) {
      const due = lessor.expired(second * S, ALL);
      expect(due.length).toBeLessThanOrEqual(LEASE_EXPIRIES_PER_SECOND + 1);
      ended += due.length;
      lessor.applied(
        due.map((id) => ({ kind: "revoked", id }) as const),
        second * S,
      );
    }
    expect(ended).toBe(count);
  });

  test("a demoted lessor knows nothing and ends nothing", () => {
    const lessor = leading([lease(1n, 5)]);
    lessor.demote();
    expect(lessor.term).toBe(0);
    expect(lessor.size).toBe(0);
    grant(lessor, 0, lease(2n, 5));
    expect(lessor.expired(ALL * S, ALL)).toEqual([]);
    expect(lessor.checkpoints(ALL * S, ALL)).toEqual([]);
    expect(lessor.renew(1n, 0)).toBe(0);
    expect(lessor.remaining(1n, 0)).toBeUndefined();
  });
});

describe("checkpoints", () => {
  const I = LEASE_CHECKPOINT_INTERVAL_MS;

  test("tell what is left of leases that are not renewed", () => {
    const lessor = leading();
    grant(lessor, 0, lease(1n, 200));
    grant(lessor, 0, lease(2n, 30));
    expect(lessor.checkpoints(I - 1, ALL)).toEqual([]);
    expect(lessor.checkpoints(I, ALL)).toEqual([{ id: 1n, remainingTtl: 200 - I / S }]);
    expect(lessor.checkpoints(I, ALL)).toEqual([]);
    expect(lessor.checkpoints(2 * I, ALL)).toEqual([{ id: 1n, remainingTtl: 200 - (2 * I) / S }]);
    // Nothing is told of what has expired.
    expect(lessor.checkpoints(4 * I, ALL)).toEqual([]);
    expect(lessor.checkpoints(40 * I, ALL)).toEqual([]);
  });

  test("leave leases alone that are kept alive", () => {
    const lessor = leading();
    grant(lessor, 0, lease(1n, 200));
    for (let now = 0; now < 10 * I; now += I / 2) {
      expect(lessor.checkpoints(now, ALL)).toEqual([]);
      expect(lessor.renew(1n, now)).toBe(200);
    }
  });

  test("are taken back as soon as the lease is renewed", () => {
    const lessor = leading();
    grant(lessor, 0, lease(1n, 200));
    lessor.applied([{ kind: "checkpointed", lease: lease(1n, 200, 140) }], I);
    lessor.renew(1n, I);
    lessor.renew(1n, I + 1);
    expect(lessor.checkpoints(I + 1, 0)).toEqual([]);
    expect(lessor.checkpoints(I + 1, ALL)).toEqual([{ id: 1n, remainingTtl: 0 }]);
    lessor.applied([{ kind: "checkpointed", lease: lease(1n, 200) }], I + 2);
    lessor.renew(1n, I + 3);
    expect(lessor.checkpoints(I + 3, ALL)).toEqual([]);
  });

  test("come at most as many at once as asked for", () => {
    const lessor = leading([lease(1n, 200), lease(2n, 300), lease(3n, 400)]);
    expect(lessor.checkpoints(I, 2)).toHaveLength(2);
    expect(lessor.checkpoints(I, 2)).toHaveLength(1);
  });

  test("a lease outlives elections by no more than the interval, its owner being gone", () => {
    const ttl = 10 * 60;
    let info = lease(1n, ttl);
    let now = 0;
    let lessor = leading([info], now);
    // An election every 90 seconds.
    while (lessor.expired(now, ALL).length === 0) {
      now += 10 * S;
      for (const { remainingTtl } of lessor.checkpoints(now, ALL)) {
        info = lease(1n, ttl, remainingTtl);
        lessor.applied([{ kind: "checkpointed", lease: info }], now);
      }
      if (now % (90 * S) === 0) lessor = leading([info], now);
    }
    // Each 90 seconds it was told once, after 60.
    expect(now / S).toBeLessThanOrEqual(ttl * (90 / 60) + 10);
  });
});

describe("the bodies of lease commands", () => {
  const id = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);

  test("round-trip", () => {
    const item = fc.record({ id, remainingTtl: fc.nat(9_000_000) });
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.array(id), fc.array(item), (term, ids, items) => {
        expect(decodeExpiry(encodeExpiry(term, ids))).toEqual({ term, ids });
        expect(decodeCheckpoint(encodeCheckpoint(term, items))).toEqual({ term, items });
      }),
    );
  });

  test("are refused in another length or version", () => {
    expect(decodeExpiry(new Uint8Array(0))).toBeUndefined();
    expect(decodeExpiry(encodeExpiry(1, [1n]).subarray(1))).toBeUndefined();
    expect(decodeExpiry(encodeExpiry(1, [1n]).subarray(0, 16))).toBeUndefined();
    expect(decodeCheckpoint(encodeExpiry(1, [1n]))).toBeUndefined();
    expect(decodeExpiry(encodeExpiry(1, [1n]).fill(2, 0, 1))).toBeUndefined();
  });
});
