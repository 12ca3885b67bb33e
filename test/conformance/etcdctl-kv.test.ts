import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { etcdctl } from "./etcdctl.js";
import { both, type Pair, startPair } from "./subject.js";

/**
 * etcdctl's commands on keys, each run on real etcd and on us through the members in turn;
 * output, errors and exit codes must be equal. They build on each other.
 */
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.stop());

let turn = 0;

/** Runs a command on both; `input` for its standard input. */
async function run(args: string[], input?: string): Promise<{ code: number; stdout: string }> {
  const member = turn++ % 3;
  return both(pair, (subject) => etcdctl(subject, member, args, input));
}

function commands(...lines: string[]): void {
  test.each(lines)("%s", async (line) => {
    await run(line.split(" "));
  });
}

describe("put", () => {
  test("says OK", async () => {
    expect(await run(["put", "a/1", "one"])).toMatchObject({ code: 0, stdout: "OK\n" });
  });
  commands("put a/2 two", "put a/3 three", "put b/1 four", "put a/1 uno --prev-kv");
  commands("put new value --prev-kv", "put a/2 --ignore-value", "put a/2 zwei --ignore-lease");
  commands("put none --ignore-value", "put none x --ignore-lease", "put a/1 x --lease=7fff");
  commands("put a/2 x --ignore-value", "put a/3 drei -w json", "put a/3 tres -w fields --prev-kv");
  test("takes the value from its input", async () => {
    await run(["put", "input"], "several\nlines\0and bytes");
  });
  test("refuses an empty key", async () => {
    expect(await run(["put", "", "x"])).toMatchObject({ code: 1 });
  });
});

describe("get", () => {
  commands("get a/1", "get none", "get a/1 --print-value-only", "get a/1 -w json");
  commands("get a/1 -w fields", "get a/ --prefix", "get a/1 a/3", "get a/3 a/1", "get a/1 a/1");
  commands("get a/2 --from-key", "get --prefix --keys-only a/", "get --prefix a/ --count-only");
  commands("get a/ --prefix --count-only -w fields", "get a/ --prefix --count-only -w json");
  commands("get a/ --prefix --limit 2", "get a/ --prefix --limit 2 -w fields");
  commands("get a/ --prefix --limit 0 -w json", "get a/ --prefix --keys-only -w json");
  commands("get a/1 --rev 2", "get a/ --prefix --rev 4", "get a/ --prefix --rev 1");
  commands("get a/1 --rev 1000", "get a/1 --consistency l", "get a/1 --hex");
  test("is serializable where asked for, once the member has caught up", async () => {
    await both(pair, (subject) => etcdctl(subject, 1, ["get", "a/1", "--consistency", "l"]));
    await both(pair, (subject) => etcdctl(subject, 1, ["get", "a/1", "--consistency", "s"]));
  });
  for (const target of ["KEY", "VERSION", "CREATE", "MODIFY", "VALUE"]) {
    for (const order of ["ASCEND", "DESCEND"]) {
      commands(`get a/ --prefix --sort-by=${target} --order=${order}`);
    }
  }
  commands("get a/ --prefix --order=DESCEND --limit 1", "get a/ --prefix --sort-by=MODIFY");
  test("refuses an empty key, but not an empty prefix", async () => {
    expect(await run(["get", ""])).toMatchObject({ code: 1 });
    expect(await run(["get", "", "--prefix", "--keys-only"])).toMatchObject({ code: 0 });
    await run(["get", "", "--from-key", "--count-only", "-w", "fields"]);
  });
});

describe("del", () => {
  commands("del none", "del a/1 --prev-kv", "del a/1", "del a/2 a/3", "put a/1 1", "put a/2 2");
  commands("del a/ --prefix --prev-kv", "put a/1 1", "put c/1 1", "put c/2 2", "del c/1 -w json");
  commands("del c/2 --prev-kv -w fields", "del b --from-key", "put x 1", "put y 2");
  commands("del y --from-key --prev-kv", "get --prefix a", "get --from-key a --keys-only");
  test("refuses an empty key", async () => {
    expect(await run(["del", ""])).toMatchObject({ code: 1 });
  });
});

describe("txn", () => {
  const txn = (compares: string[], success: string[], failure: string[]): string =>
    [...compares, "", ...success, "", ...failure, "", ""].join("\n");
  const cases: [string, string][] = [
    ["nothing", txn([], [], [])],
    ["success", txn(['create("t/1") = "0"'], ["put t/1 first", "get t/1"], ["get t/1"])],
    ["failure", txn(['create("t/1") = "0"'], ["put t/1 again"], ["get t/1", "del t/none"])],
    ["a version", txn(['ver("t/1") > "0"'], ["put t/1 second"], [])],
    ["a modification", txn(['mod("t/1") < "1000"'], ["put t/2 x"], [])],
    ["a value", txn(['val("t/1") = "second"'], ["del t/ --prefix --prev-kv"], ["get t/1"])],
    ["a prefix deleted", txn([], ["del t/ --prefix", "get t/1"], [])],
    ["new keys", txn([], ["put t/1 third", "put t/2 other"], [])],
    ["two conditions", txn(['val("t/1") = "third"', 'ver("t/2") = "9"'], [], ["get t/2"])],
    ["ranges", txn([], ["get t/ --prefix", "get t/1 --rev 3", "del t/2 t/9"], [])],
    ["a future revision", txn([], ["get t/1 --rev 5000"], [])],
    ["the same key twice", txn([], ["put t/1 a", "put t/1 b"], [])],
    ["a key put and deleted", txn([], ["put t/1 a", "del t/ --prefix"], [])],
    ["an empty key", txn([], ['put "" a'], [])],
  ];
  test.each(cases)("with %s", async (_, input) => {
    await run(["txn"], input);
    await run(["txn", "--interactive"], input);
    await run(["txn", "-w", "json"], input);
  });
  commands("get t/ --prefix -w json");
});

describe("compaction", () => {
  commands("put k 1", "put k 2", "put k 3", "compaction 20", "compaction 20", "compaction 10");
  commands("compaction 5000", "get k --rev 15", "get k --rev 20 -w json", "get k -w json");
  commands("compaction 21 --physical", "get k --rev 20", "compaction 0");
});
