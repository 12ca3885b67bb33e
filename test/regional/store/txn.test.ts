import { describe, expect, test } from "vitest";
import {
  Compare_CompareResult as CompareResult,
  Compare_CompareTarget as CompareTarget,
} from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { bytes, command, Driver, plainOutcome } from "./support.js";

type Fields = Parameters<typeof command.txn>[0];
type Op = NonNullable<Fields["success"]>[number];
type Compare = NonNullable<Fields["compare"]>[number];

const put = (key: string, value: string, more = {}): Op => ({
  request: { case: "requestPut", value: { key: bytes(key), value: bytes(value), ...more } },
});
const range = (key: string, rangeEnd = "", revision = 0n): Op => ({
  request: {
    case: "requestRange",
    value: { key: bytes(key), rangeEnd: bytes(rangeEnd), revision },
  },
});
const del = (key: string, rangeEnd = ""): Op => ({
  request: {
    case: "requestDeleteRange",
    value: { key: bytes(key), rangeEnd: bytes(rangeEnd) },
  },
});
const txn = (value: Fields): Op => ({ request: { case: "requestTxn", value } });

const versionIs = (key: string, version: bigint): Compare => ({
  key: bytes(key),
  target: CompareTarget.VERSION,
  targetUnion: { case: "version", value: version },
});

function succeeded(driver: Driver, ...compare: Compare[]): boolean {
  const outcome = driver.apply(command.txn({ compare }));
  return outcome.kind === "txn" && outcome.succeeded;
}

describe("a transaction", () => {
  test("is one revision; its operations see those before them", () => {
    const driver = new Driver();
    driver.put("a", "0");
    const outcome = driver.apply(
      command.txn({
        success: [
          range("\0", "\0"),
          put("b", "1", { prevKv: true }),
          range("\0", "\0"),
          del("a"),
          range("\0", "\0"),
          { request: { case: undefined } },
        ],
      }),
    );
    expect(plainOutcome(outcome)).toMatchObject({
      kind: "txn",
      revision: 3,
      succeeded: true,
      responses: [
        { kind: "range", revision: 2, count: 1 },
        { kind: "put", revision: 3, prevKv: undefined },
        { kind: "range", revision: 3, count: 2, kvs: [{ key: "a" }, { key: "b", mod: 3 }] },
        { kind: "deleteRange", revision: 3, deleted: 1 },
        { kind: "range", revision: 3, count: 1, kvs: [{ key: "b" }] },
        undefined,
      ],
    });
    expect(driver.state.currentRevision).toBe(3);
    const { rows } = driver.state.rowsSince(3, 10);
    expect(rows.map((row) => row.key)).toEqual(["b", "a"]);
  });

  test("that writes nothing makes no revision", () => {
    const driver = new Driver();
    driver.put("a", "0");
    const outcome = driver.apply(command.txn({ success: [range("a"), del("x")] }));
    expect(outcome).toMatchObject({
      revision: 2,
      responses: [{ revision: 2 }, { revision: 2, deleted: 0 }],
    });
  });

  test("takes the failure branch; transactions within it are decided by the state before", () => {
    const driver = new Driver();
    driver.put("a", "0");
    const inner = txn({
      compare: [versionIs("b", 0n)],
      success: [put("seen", "before")],
      failure: [put("seen", "after")],
    });
    const outcome = driver.apply(
      command.txn({ compare: [versionIs("a", 9n)], failure: [put("b", "1"), inner] }),
    );
    expect(outcome).toMatchObject({
      succeeded: false,
      revision: 3,
      responses: [{ kind: "put" }, { kind: "txn", succeeded: true, revision: 0 }],
    });
    expect(driver.values("seen")).toEqual({ seen: "before" });
  });

  test("that can't be done in one place does nothing at all", () => {
    const driver = new Driver();
    driver.put("a", "0");
    const refused = (...success: Op[]): string | undefined => {
      const outcome = driver.apply(command.txn({ success }));
      expect(driver.values("\0", "\0")).toEqual({ a: "0" });
      expect(driver.state.currentRevision).toBe(2);
      return outcome.kind === "error" ? outcome.error.message : undefined;
    };
    const future = "etcdserver: mvcc: required revision is a future revision";
    expect(refused(put("b", ""), put("c", "", { lease: 5n }))).toBe(
      "etcdserver: requested lease not found",
    );
    expect(refused(put("b", ""), put("c", "", { ignoreValue: true, lease: 5n }))).toBe(
      "etcdserver: key not found",
    );
    // A key that the same transaction makes is not there yet.
    expect(refused(put("b", ""), put("b", "", { ignoreValue: true }))).toBe(
      "etcdserver: key not found",
    );
    expect(refused(put("b", ""), range("b", "", 3n))).toBe(future);
    expect(refused(range("b", "", 3n), put("b", "", { lease: 5n }))).toBe(
      "etcdserver: requested lease not found",
    );
    expect(refused(txn({ success: [put("b", ""), range("", "\0")] }))).toBe(
      "etcdserver: key is not provided",
    );
    expect(refused(put("b", ""), del("", "\0"))).toBe("etcdserver: key is not provided");
    expect(refused(put("", ""))).toBe("etcdserver: key is not provided");
    driver.apply(command.compact(2n));
    expect(refused(put("b", ""), range("a", "", 1n))).toBe(
      "etcdserver: mvcc: required revision has been compacted",
    );
  });

  test("reads at an old revision don't see its writes", () => {
    const driver = new Driver();
    driver.put("a", "0");
    const outcome = driver.apply(command.txn({ success: [put("a", "1"), range("a", "", 2n)] }));
    expect(plainOutcome(outcome)).toMatchObject({
      responses: [{}, { revision: 3, kvs: [{ value: "0" }] }],
    });
  });
});

describe("a comparison", () => {
  function keys(): Driver {
    const driver = new Driver();
    driver.apply(command.grant(5n, 10n));
    driver.put("a", "m", { lease: 5n });
    driver.put("b", "m");
    driver.put("b", "n");
    return driver;
  }

  const RESULTS = [
    [CompareResult.EQUAL, "="],
    [CompareResult.NOT_EQUAL, "!"],
    [CompareResult.GREATER, ">"],
    [CompareResult.LESS, "<"],
  ] as const;

  /** Which of the results hold. */
  function holding(fields: Compare): string {
    const driver = keys();
    return RESULTS.filter(([result]) => succeeded(driver, { ...fields, result }))
      .map(([, sign]) => sign)
      .join("");
  }

  test("of every target with the pair", () => {
    const of = (target: CompareTarget, targetUnion: NonNullable<Compare["targetUnion"]>): string =>
      holding({ key: bytes("b"), target, targetUnion });
    expect(of(CompareTarget.VERSION, { case: "version", value: 2n })).toBe("=");
    expect(of(CompareTarget.VERSION, { case: "version", value: 1n })).toBe("!>");
    expect(of(CompareTarget.CREATE, { case: "createRevision", value: 4n })).toBe("!<");
    expect(of(CompareTarget.MOD, { case: "modRevision", value: 4n })).toBe("=");
    expect(of(CompareTarget.LEASE, { case: "lease", value: 0n })).toBe("=");
    expect(of(CompareTarget.VALUE, { case: "value", value: bytes("n") })).toBe("=");
    expect(of(CompareTarget.VALUE, { case: "value", value: bytes("nn") })).toBe("!<");
  });

  test("with another field than the target's means zero; unknown targets are equal", () => {
    const of = (target: CompareTarget): string =>
      holding({
        key: bytes("b"),
        target,
        targetUnion: { case: "createRevision", value: 3n },
      });
    expect(of(CompareTarget.MOD)).toBe("!>");
    expect(of(CompareTarget.VALUE)).toBe("!>");
    expect(of(77 as CompareTarget)).toBe("=");
    expect(succeeded(keys(), { ...versionIs("b", 9n), result: 77 as CompareResult })).toBe(true);
  });

  test("of a key that isn't there: zeros, but a value never holds", () => {
    const of = (target: CompareTarget, targetUnion: NonNullable<Compare["targetUnion"]>): string =>
      holding({ key: bytes("x"), target, targetUnion });
    expect(of(CompareTarget.VERSION, { case: "version", value: 0n })).toBe("=");
    expect(of(CompareTarget.LEASE, { case: "lease", value: 1n })).toBe("!<");
    expect(of(CompareTarget.VALUE, { case: "value", value: bytes("") })).toBe("");
  });

  test("of a range must hold for each of its keys", () => {
    const driver = keys();
    const all = { rangeEnd: bytes("\0") };
    expect(succeeded(driver, { ...versionIs("a", 1n), ...all })).toBe(false);
    const above = { ...versionIs("a", 0n), ...all, result: CompareResult.GREATER };
    expect(succeeded(driver, above)).toBe(true);
    expect(succeeded(driver, above, versionIs("a", 2n))).toBe(false);
    expect(succeeded(driver, { ...versionIs("x", 0n), ...all })).toBe(true);
  });
});
