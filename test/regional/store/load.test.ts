import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CHAIN_START } from "../../../regional/store/chain.js";
import { type BackendRecord, RecordTable } from "../../../regional/store/records.js";
import { utf8 } from "../../../shared/bytes.js";
import { AtollError } from "../../../shared/errors.js";
import { KeyValueSchema } from "../../../shared/gen/etcd/mvccpb/kv_pb.js";
import { bytes, CONF_STATE, command, Driver, printable, reload } from "./support.js";

function filled(): Driver {
  const driver = new Driver();
  driver.apply(command.grant(7n, 60n));
  driver.apply(command.grant(-7n, 60n));
  driver.apply(command.checkpoint(1, [{ id: 7n, remainingTtl: 20 }]));
  driver.apply(
    command.member({ ID: 22n, name: "two", peerURLs: ["http://p"], clientURLs: ["http://c"] }),
  );
  driver.put("a", "1", { lease: 7n });
  driver.put("b", "2");
  driver.del("b");
  driver.put("c", "");
  driver.apply(command.compact(3n));
  return driver;
}

/** The error of a state whose records were tampered with. */
function failure(change: (records: BackendRecord[]) => void): AtollError {
  const records = [...filled().state.dump()];
  change(records);
  try {
    reload(records);
  } catch (error) {
    if (error instanceof AtollError) return error;
    throw error;
  }
  throw new Error("it was loaded");
}

function change(
  table: number,
  value: (old: Uint8Array) => Uint8Array | null,
): (records: BackendRecord[]) => void {
  return (records) => {
    const at = records.findIndex((record) => record.table === table);
    const record = records[at] as BackendRecord;
    records[at] = { ...record, value: value(record.value ?? new Uint8Array(0)) };
  };
}

const remeta = (fields: object): ((records: BackendRecord[]) => void) =>
  change(RecordTable.meta, (old) =>
    utf8(JSON.stringify({ ...(JSON.parse(Buffer.from(old).toString()) as object), ...fields })),
  );

describe("a state made of records", () => {
  test("is the state that they were taken from, and goes on from there", () => {
    const driver = filled();
    const image = printable(driver.state.dump());
    const copy = reload(driver.state.dump());
    expect(printable(copy.dump())).toEqual(image);
    expect(copy.applied).toEqual(driver.state.applied);
    expect(copy.members()).toEqual(driver.state.members());
    expect(copy.leases()).toEqual([
      { id: -7n, ttl: 60, remainingTtl: 0 },
      { id: 7n, ttl: 60, remainingTtl: 20 },
    ]);
    expect(copy.leaseKeys(7n)).toEqual(["a"]);
    const next = command.put({ key: bytes("c"), value: bytes("3"), prevKv: true });
    driver.state.apply(100, 1, next);
    copy.apply(100, 1, next);
    expect(printable(copy.dump())).toEqual(printable(driver.state.dump()));
  });

  test("comes in the order of table and key", () => {
    const place = ({ table, key }: BackendRecord): string =>
      `${table}${typeof key === "number" ? String(key).padStart(16, "0") : Buffer.from(key).toString("hex")}`;
    const places = [...filled().state.dump()].map(place);
    expect(places).toEqual([...places].sort());
    expect(new Set(places).size).toBe(places.length);
  });

  test("an empty one can be kept and loaded too", () => {
    const { state } = new Driver();
    const { records } = state.takeChanges();
    expect(records).toHaveLength(1);
    expect(reload(records).applied).toEqual({ index: 0, term: 0, confState: CONF_STATE });
  });
});

describe("records that can't be a state are refused by table and key", () => {
  test.each([
    ["no meta record", (records: BackendRecord[]) => records.splice(0), "has no meta record"],
    [
      "rows before the meta record",
      (records: BackendRecord[]) => records.shift(),
      "the state's record 22 of table 2 comes before the meta record",
    ],
    ["meta that is not JSON", change(1, () => utf8("{")), "record 0 of table 1 is not JSON"],
    ["meta that is null", change(1, () => utf8("null")), "is not an object"],
    [
      "another format",
      remeta({ version: 1 }),
      "record 0 of table 1 has format version 1, this program reads 2",
    ],
    ["no hash chain", remeta({ chain: { version: 1, value: "9" } }), "has no hash chain"],
    [
      "another hash chain",
      remeta({ chain: { version: 9, value: CHAIN_START } }),
      "has a hash chain of version 9, this program continues 1",
    ],
    ["no revision", remeta({ revision: 0 }), "has no revision"],
    ["no compact revision", remeta({ compactRevision: "x" }), "has no compactRevision"],
    ["no ordinal", remeta({ nextOrdinal: -1 }), "has no nextOrdinal"],
    ["no position", remeta({ term: 1.5 }), "has no applied position"],
    ["no membership", remeta({ confState: { voters: [1] } }), "has no membership"],
    [
      "more rows than meta knows",
      remeta({ nextOrdinal: 3 }),
      "rows end at 3, its meta record says 2",
    ],
    [
      "fewer rows than meta knows",
      remeta({ nextOrdinal: 9 }),
      "rows end at 3, its meta record says 8",
    ],
    ["an empty record", change(4, () => null), "record 0 of table 4 is empty"],
    [
      "a member that is none",
      change(2, () => bytes("\x0a\xff")),
      "of table 2 is not a member: the body is not a Member",
    ],
    [
      "a stranger",
      remeta({ confState: { ...CONF_STATE, voters: [11] } }),
      "record 22 of table 2 is of a member that doesn't belong to the group",
    ],
    ["a short lease", change(3, (old) => old.subarray(1)), "of table 3 is not a lease"],
    [
      "a cut row",
      change(4, (old) => old.subarray(0, old.length - 1)),
      "of table 4 is not a KeyValue",
    ],
    [
      "an unknown table",
      (records: BackendRecord[]) =>
        records.push({ table: 9 as RecordTable, key: 1, value: bytes("") }),
      "record 1 of table 9 is of a table that this program doesn't know",
    ],
    [
      "rows out of order",
      (records: BackendRecord[]) => records.push(records.at(-2) as BackendRecord),
      "record 2 of table 4 is out of order",
    ],
    [
      "a gap",
      (records: BackendRecord[]) => records.splice(-2, 1),
      "record 3 of table 4 comes after a gap",
    ],
  ] as const)("%s", (_, tamper, text) => {
    const error = failure(tamper);
    expect(error.code).toBe("DATA_LOSS");
    expect(error.message).toContain(text);
  });

  test("rows of another form than ours", () => {
    const row = (fields: object): Uint8Array =>
      toBinary(KeyValueSchema, create(KeyValueSchema, { key: bytes("a"), ...fields }));
    const malformed = [
      new Uint8Array(0),
      row({}),
      row({ modRevision: 2n, version: 1n }),
      row({ modRevision: 2n, createRevision: 3n, version: 1n }),
      row({ modRevision: 2n, value: bytes("x") }),
      row({ modRevision: 2n, lease: 4n }),
      row({ modRevision: -2n }),
      Uint8Array.of(...row({ modRevision: 2n }), 0x38, 1),
      Uint8Array.of(...row({ modRevision: 2n, createRevision: 2n, version: 1n }), 0x30, 0x80),
      Uint8Array.of(0x0a, 5, 0x61),
    ];
    for (const value of malformed) {
      const error = failure(change(4, () => value));
      expect(error.message).toContain("is not a KeyValue");
    }
  });
});
