import { describe, expect, test } from "vitest";
import {
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { bytes, command, Driver, plain, plainOutcome } from "./support.js";

const COMPACTED = "etcdserver: mvcc: required revision has been compacted";
const FUTURE = "etcdserver: mvcc: required revision is a future revision";

function error(outcome: { kind: string; error?: { message: string } }): string | undefined {
  return outcome.error?.message;
}

describe("put", () => {
  test("the first write makes revision 2; versions count up and start anew after a delete", () => {
    const driver = new Driver();
    expect(driver.state.currentRevision).toBe(1);
    expect(driver.put("a", "1")).toEqual({ kind: "put", revision: 2, prevKv: undefined });
    driver.put("a", "2");
    driver.del("a");
    driver.put("a", "3");
    const row = driver.state.get("a");
    expect(row && plain(row)).toEqual({
      key: "a",
      create: 5,
      mod: 5,
      version: 1,
      value: "3",
      lease: 0n,
    });
  });

  test("prev_kv, ignore_value and ignore_lease", () => {
    const driver = new Driver();
    driver.apply(command.grant(7n, 10n));
    driver.put("a", "one", { lease: 7n });
    expect(plainOutcome(driver.put("a", "", { ignoreValue: true, prevKv: true }))).toMatchObject({
      prevKv: { value: "one", lease: 7n, version: 1 },
    });
    expect(driver.state.get("a")).toMatchObject({ lease: 0n, version: 2 });
    expect(driver.values("a")).toEqual({ a: "one" });
    driver.put("a", "", { ignoreValue: true, lease: 7n });
    driver.put("a", "two", { ignoreLease: true });
    expect(driver.state.get("a")).toMatchObject({ lease: 7n, version: 4 });
    expect(driver.values("a")).toEqual({ a: "two" });
  });

  test("its errors: no key, an unknown lease before a key that isn't there", () => {
    const driver = new Driver();
    expect(error(driver.put("", "x"))).toBe("etcdserver: key is not provided");
    expect(error(driver.put("a", "", { ignoreValue: true }))).toBe("etcdserver: key not found");
    expect(error(driver.put("a", "", { ignoreLease: true }))).toBe("etcdserver: key not found");
    expect(error(driver.put("a", "", { lease: 9n, ignoreValue: true }))).toBe(
      "etcdserver: requested lease not found",
    );
    expect(driver.state.currentRevision).toBe(1);
  });

  test("a value of any size keeps its bytes", () => {
    const driver = new Driver();
    const sizes = [0, 1, 127, 128, 300, 70_000, 300_000, 1_500_000];
    for (const size of sizes) driver.put(`k${size}`, "\xe9".repeat(size));
    for (const size of sizes) {
      expect(Buffer.from(driver.state.get(`k${size}`)?.value() ?? []).length).toBe(size);
      expect(driver.values(`k${size}`)).toEqual({ [`k${size}`]: "\xe9".repeat(size) });
    }
  });
});

describe("range", () => {
  function abc(): Driver {
    const driver = new Driver();
    for (const [key, value] of ["a1", "b3", "c2", "d2"]) driver.put(key ?? "", value ?? "");
    driver.put("a", "4");
    return driver;
  }

  test("one key, a range, a prefix, from a key on, all", () => {
    const driver = abc();
    expect(driver.values("b")).toEqual({ b: "3" });
    expect(driver.values("x")).toEqual({});
    expect(driver.values("b", "d")).toEqual({ b: "3", c: "2" });
    expect(driver.values("c", "\0")).toEqual({ c: "2", d: "2" });
    expect(driver.values("\0", "\0")).toEqual({ a: "4", b: "3", c: "2", d: "2" });
    expect(driver.values("d", "b")).toEqual({});
    expect(driver.values("", "\0")).toBe("etcdserver: key is not provided");
  });

  test("the past, whose header carries the present revision, and what can't be read", () => {
    const driver = abc();
    expect(driver.values("a", "\0", 3)).toEqual({ a: "1", b: "3" });
    expect(driver.range("a", "", { revision: 2n })).toMatchObject({ revision: 6, count: 1 });
    expect(driver.values("a", "", 7)).toBe(FUTURE);
    driver.apply(command.compact(4n));
    expect(driver.values("a", "", 3)).toBe(COMPACTED);
    expect(driver.values("a", "\0", 4)).toEqual({ a: "1", b: "3", c: "2" });
  });

  test("the count knows no limit, `more` does", () => {
    const driver = abc();
    expect(driver.range("\0", "\0", { limit: 2n })).toMatchObject({ count: 4, more: true });
    expect(driver.range("\0", "\0", { limit: 4n })).toMatchObject({ count: 4, more: false });
    expect(driver.range("\0", "\0", { limit: 2n, revision: 3n })).toMatchObject({
      count: 2,
      more: false,
    });
    expect(driver.range("\0", "\0", { countOnly: true, limit: 1n })).toMatchObject({
      count: 4,
      more: false,
      kvs: [],
    });
  });

  test("filters by revision change the pairs and not the count", () => {
    const driver = abc();
    const keys = (fields: Parameters<Driver["range"]>[2]): [string, number, boolean] => {
      const outcome = driver.range("\0", "\0", fields);
      if (outcome.kind === "error") throw new Error(outcome.error.message);
      return [outcome.kvs.map((row) => row.key).join(""), outcome.count, outcome.more];
    };
    expect(keys({ minModRevision: 4n })).toEqual(["acd", 4, false]);
    expect(keys({ maxModRevision: 4n })).toEqual(["bc", 4, false]);
    expect(keys({ minCreateRevision: 3n, maxCreateRevision: 4n })).toEqual(["bc", 4, false]);
    expect(keys({ minModRevision: 4n, limit: 2n })).toEqual(["ac", 4, true]);
    expect(keys({ minModRevision: 99n, countOnly: true })).toEqual(["", 4, false]);
    expect(driver.range("b", "", { minModRevision: 99n })).toMatchObject({ kvs: [], count: 1 });
  });

  test("every order and target; equal ones stay in order of key", () => {
    const driver = abc();
    const sorted = (sortTarget: SortTarget, sortOrder: SortOrder, limit = 0n): string => {
      const outcome = driver.range("\0", "\0", { sortTarget, sortOrder, limit });
      return outcome.kind === "range" ? outcome.kvs.map((row) => row.key).join("") : "";
    };
    expect(sorted(SortTarget.KEY, SortOrder.DESCEND)).toBe("dcba");
    expect(sorted(SortTarget.KEY, SortOrder.DESCEND, 2n)).toBe("dc");
    expect(sorted(SortTarget.VALUE, SortOrder.ASCEND)).toBe("cdba");
    expect(sorted(SortTarget.VALUE, SortOrder.DESCEND)).toBe("abcd");
    expect(sorted(SortTarget.VERSION, SortOrder.DESCEND)).toBe("abcd");
    expect(sorted(SortTarget.CREATE, SortOrder.DESCEND)).toBe("dcba");
    expect(sorted(SortTarget.MOD, SortOrder.ASCEND, 3n)).toBe("bcd");
    // Without an order etcd sorts upwards, but only one more than the limit.
    expect(sorted(SortTarget.MOD, SortOrder.NONE)).toBe("bcda");
    expect(sorted(SortTarget.MOD, SortOrder.NONE, 2n)).toBe("bc");
    expect(sorted(SortTarget.MOD, SortOrder.NONE, 1n)).toBe("b");
    expect(sorted(7 as SortTarget, SortOrder.ASCEND)).toBe("abcd");
    expect(sorted(SortTarget.MOD, 7 as SortOrder)).toBe("abcd");
  });

  test("keys only: rows without values on the wire", () => {
    const driver = abc();
    driver.apply(command.grant(300n, 10n));
    driver.put("e", "value", { lease: 300n });
    const outcome = driver.range("e", "", { keysOnly: true });
    if (outcome.kind === "error") throw new Error(outcome.error.message);
    expect(outcome.keysOnly).toBe(true);
    const row = outcome.kvs[0];
    const withoutValue = [0x0a, 1, 0x65, 0x10, 7, 0x18, 7, 0x20, 1, 0x30, 0xac, 0x02];
    expect([...(row?.keyBytes() ?? [])]).toEqual(withoutValue);
    driver.put("f", "");
    expect(driver.state.get("f")?.keyBytes()).toEqual(driver.state.get("f")?.bytes());
  });
});

describe("delete", () => {
  test("tells how many, in one revision, and makes none when there is nothing", () => {
    const driver = new Driver();
    for (const key of ["a", "b", "c"]) driver.put(key, key);
    const request = { key: bytes("a"), rangeEnd: bytes("c"), prevKv: true };
    expect(plainOutcome(driver.apply(command.deleteRange(request)))).toMatchObject({
      revision: 5,
      deleted: 2,
      prevKvs: [{ key: "a" }, { key: "b" }],
    });
    expect(driver.del("a", "c")).toMatchObject({ revision: 5, deleted: 0 });
    expect(error(driver.del("", "\0"))).toBe("etcdserver: key is not provided");
    expect(driver.values("\0", "\0")).toEqual({ c: "c" });
    expect(driver.values("\0", "\0", 4)).toEqual({ a: "a", b: "b", c: "c" });
  });
});

describe("compaction", () => {
  test("its errors, and that a read at the compact revision still works", () => {
    const driver = new Driver();
    driver.put("a", "1");
    driver.put("a", "2");
    driver.del("a");
    driver.put("b", "1");
    const compact = (revision: bigint): string | undefined =>
      error(driver.apply(command.compact(revision)));
    expect(compact(-1n)).toBe(COMPACTED);
    expect(compact(6n)).toBe(FUTURE);
    expect(compact(3n)).toBeUndefined();
    expect(compact(3n)).toBe(COMPACTED);
    driver.tidyAll();
    expect(driver.values("\0", "\0", 2)).toBe(COMPACTED);
    expect(driver.values("\0", "\0", 3)).toEqual({ a: "2" });
    expect(driver.values("\0", "\0", 4)).toEqual({});
    expect(compact(5n)).toBeUndefined();
    driver.tidyAll();
    expect(driver.values("\0", "\0")).toEqual({ b: "1" });
    expect(driver.state.rowsSince(5, 10).rows.map((row) => row.key)).toEqual(["b"]);
  });

  test("the deletion at the compact revision is still told to a watch that begins there", () => {
    const driver = new Driver();
    driver.put("a", "1");
    driver.del("a");
    driver.apply(command.compact(3n));
    driver.tidyAll();
    const { rows } = driver.state.rowsSince(3, 10);
    expect(rows.map((row) => [row.key, row.version])).toEqual([["a", 0]]);
  });
});

describe("history", () => {
  test("comes in whole revisions", () => {
    const driver = new Driver();
    for (const key of ["a", "b", "c"]) driver.put(key, "");
    driver.del("\0", "\0");
    driver.put("d", "");
    const since = (revision: number, limit: number): [string, number] => {
      const { rows, next } = driver.state.rowsSince(revision, limit);
      return [rows.map((row) => `${row.key}${row.modRevision}`).join(" "), next];
    };
    expect(since(1, 2)).toEqual(["a2 b3", 4]);
    expect(since(4, 2)).toEqual(["c4 a5 b5 c5", 6]);
    expect(since(5, 1)).toEqual(["a5 b5 c5", 6]);
    expect(since(6, 9)).toEqual(["d6", 0]);
    expect(since(7, 9)).toEqual(["", 0]);
  });
});
