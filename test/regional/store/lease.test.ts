import { describe, expect, test } from "vitest";
import { command, Driver } from "./support.js";

function error(outcome: { kind: string; error?: { message: string } }): string | undefined {
  return outcome.error?.message;
}

const NOT_FOUND = "etcdserver: requested lease not found";

describe("leases", () => {
  test("are granted once, with the id and time that the proposer chose", () => {
    const driver = new Driver();
    expect(driver.apply(command.grant(5n, 30n))).toEqual({
      kind: "leaseGrant",
      revision: 1,
      id: 5n,
      ttl: 30,
    });
    expect(error(driver.apply(command.grant(5n, 30n)))).toBe("etcdserver: lease already exists");
    expect(error(driver.apply(command.grant(0n, 30n)))).toBe(NOT_FOUND);
    expect(error(driver.apply(command.grant(6n, 9_000_000_001n)))).toBe(
      "etcdserver: too large lease TTL",
    );
    expect(driver.apply(command.grant(-6n, -1n))).toMatchObject({ id: -6n, ttl: 1 });
    expect(driver.state.leases()).toEqual([
      { id: -6n, ttl: 1, remainingTtl: 0 },
      { id: 5n, ttl: 30, remainingTtl: 0 },
    ]);
  });

  test("hold the keys that were last put with them", () => {
    const driver = new Driver();
    driver.apply(command.grant(1n, 9n));
    driver.apply(command.grant(2n, 9n));
    for (const key of ["c", "a", "b"]) driver.put(key, "", { lease: 1n });
    driver.put("b", "", { lease: 2n });
    driver.put("c", "");
    expect(driver.state.leaseKeys(1n)).toEqual(["a"]);
    expect(driver.state.leaseKeys(2n)).toEqual(["b"]);
    driver.del("b");
    expect(driver.state.leaseKeys(2n)).toEqual([]);
    expect(driver.state.leaseKeys(3n)).toEqual([]);
  });

  test("take their keys with them, in one revision and in order of key", () => {
    const driver = new Driver();
    driver.apply(command.grant(1n, 9n));
    for (const key of ["c", "a", "b"]) driver.put(key, "", { lease: 1n });
    driver.put("d", "");
    expect(driver.apply(command.revoke(1n))).toEqual({ kind: "leaseRevoke", revision: 6 });
    expect(driver.values("\0", "\0")).toEqual({ d: "" });
    const { rows } = driver.state.rowsSince(6, 9);
    expect(rows.map((row) => row.key)).toEqual(["a", "b", "c"]);
    expect(error(driver.apply(command.revoke(1n)))).toBe(NOT_FOUND);
    expect(driver.state.lease(1n)).toBeUndefined();
  });

  test("without keys end without a revision", () => {
    const driver = new Driver();
    driver.apply(command.grant(1n, 9n));
    expect(driver.apply(command.revoke(1n))).toEqual({ kind: "leaseRevoke", revision: 1 });
  });

  test("expire by the word of this term's leader only", () => {
    const driver = new Driver();
    for (const id of [1n, 2n, 3n]) {
      driver.apply(command.grant(id, 9n));
      driver.put(`k${id}`, "", { lease: id });
    }
    driver.term = 8;
    const stale = driver.apply(command.expire(7, [1n, 2n]));
    expect(stale).toEqual({ kind: "leaseExpire", revision: 4, expired: [] });
    expect(driver.state.keyCount).toBe(3);
    const outcome = driver.apply(command.expire(8, [1n, 9n, 2n]));
    expect(outcome).toEqual({ kind: "leaseExpire", revision: 6, expired: [1n, 2n] });
    expect(driver.values("\0", "\0", 5)).toEqual({ k2: "", k3: "" });
    expect(driver.values("\0", "\0")).toEqual({ k3: "" });
  });

  test("remember the remaining time that this term's leader told", () => {
    const driver = new Driver();
    driver.apply(command.grant(1n, 90n));
    driver.term = 3;
    const tell = (term: number, remainingTtl: number): number | undefined => {
      driver.apply(
        command.checkpoint(term, [
          { id: 1n, remainingTtl },
          { id: 7n, remainingTtl },
        ]),
      );
      return driver.state.lease(1n)?.remainingTtl;
    };
    expect(tell(3, 40)).toBe(40);
    expect(tell(2, 10)).toBe(40);
    expect(tell(3, 4_000)).toBe(90);
    expect(tell(3, 0)).toBe(0);
  });

  test("tell the lessor of every change, once", () => {
    const driver = new Driver();
    driver.apply(command.grant(1n, 90n));
    driver.apply(command.checkpoint(1, [{ id: 1n, remainingTtl: 40 }]));
    driver.apply(command.revoke(1n));
    expect(driver.state.takeChanges().leases).toEqual([
      { kind: "granted", lease: { id: 1n, ttl: 90, remainingTtl: 0 } },
      { kind: "checkpointed", lease: { id: 1n, ttl: 90, remainingTtl: 40 } },
      { kind: "revoked", id: 1n },
    ]);
    expect(driver.state.takeChanges().leases).toEqual([]);
  });
});
