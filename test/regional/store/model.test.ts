import { create } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BackendRecord } from "../../../regional/store/records.js";
import type { RegionState } from "../../../regional/store/state.js";
import { RangeRequestSchema } from "../../../shared/gen/etcd/etcdserverpb/rpc_pb.js";
import { action, KEYS, LEASES } from "./arbitraries.js";
import { Model } from "./model.js";
import { perform } from "./perform.js";
import { bytes, Driver, plain, printable, reload } from "./support.js";

/** The state database: what a member has written behind. */
class Database {
  readonly #rows = new Map<string, BackendRecord>();

  write(records: readonly BackendRecord[]): void {
    for (const record of records) {
      const key =
        typeof record.key === "number"
          ? String(record.key).padStart(16, "0")
          : Buffer.from(record.key).toString("hex");
      const name = `${record.table}/${key}`;
      if (record.value === null) this.#rows.delete(name);
      else this.#rows.set(name, { ...record, value: record.value.slice() });
    }
  }

  records(): BackendRecord[] {
    return [...this.#rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }
}

/** Compares everything that can be read at all revisions. */
function compareAll(state: RegionState, model: Model): void {
  expect(state.currentRevision).toBe(model.revision);
  expect(state.compactRevision).toBe(model.compactRevision);
  expect(state.keyCount).toBe(model.at(model.revision).length);
  const readable = Math.max(1, model.compactRevision);
  for (let revision = readable; revision <= model.revision; revision++) {
    const request = { key: bytes("\0"), rangeEnd: bytes("\0"), revision: BigInt(revision) };
    const outcome = state.range(create(RangeRequestSchema, request));
    expect(outcome.kind === "range" && outcome.kvs.map(plain)).toEqual(model.at(revision));
  }
  for (const id of LEASES) expect(state.leaseKeys(id)).toEqual(model.leaseKeys(id));
  for (const key of KEYS) {
    const row = state.get(key);
    expect(row && plain(row)).toEqual(model.within(key, "", model.revision)[0]);
  }
  const { rows } = state.rowsSince(readable, Number.POSITIVE_INFINITY);
  expect(rows.map((row) => `${row.key}@${row.modRevision}${row.version === 0 ? "-" : ""}`)).toEqual(
    model.events(readable),
  );
  for (const row of rows) {
    const revision = row.modRevision - 1;
    const before =
      revision < model.compactRevision ? undefined : model.within(row.key, "", revision)[0];
    const previous = state.previous(row);
    expect(previous && plain(previous)).toEqual(before);
  }
}

describe("the state against a model that knows nothing but a list of writes", () => {
  test("every outcome, every revision, history, leases, through reloads and crashes", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: "max" }), (actions) => {
        const driver = new Driver();
        const model = new Model();
        const database = new Database();
        database.write(driver.state.takeChanges().records);
        for (const next of actions) {
          if (next.do === "reload") {
            // Dumping clears up first.
            const image = [...driver.state.dump()];
            database.write(driver.state.takeChanges().records);
            driver.state = reload(image);
          } else {
            perform(driver, model, next);
          }
          database.write(driver.state.takeChanges().records);
          if (next.do === "crash") driver.state = reload(database.records());
        }
        compareAll(driver.state, model);
        // What was written behind is the state, once both are cleared up.
        const restarted = reload(database.records());
        compareAll(restarted, model);
        driver.tidyAll();
        database.write(driver.state.takeChanges().records);
        compareAll(driver.state, model);
        const image = printable(driver.state.dump());
        expect(printable(database.records())).toEqual(image);
        expect(printable(restarted.dump())).toEqual(image);
        expect(printable(reload(driver.state.dump()).dump())).toEqual(image);
      }),
      { numRuns: 200 },
    );
  });

  test("the same commands give the same outcomes, records and dump, whenever it is tidied", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40, size: "max" }), (actions) => {
        const [one, other] = [new Driver(), new Driver()];
        const model = new Model();
        const script = actions.filter(({ do: what }) => what !== "tidy" && what !== "reload");
        for (const next of script) perform(one, model, next);
        const again = new Model();
        for (const next of script) {
          perform(other, again, next);
          other.tidyAll();
        }
        expect(printable(one.state.dump())).toEqual(printable(other.state.dump()));
      }),
      { numRuns: 100 },
    );
  });
});
