/** Appends until the disk refuses, and says what it was told. */
import { writeSync } from "node:fs";
import { DurableLog } from "../../../regional/log/durable-log.js";
import { must } from "../../../shared/assert.js";
import { Deferred } from "../../../shared/deferred.js";
import { errorText } from "../../../shared/errors.js";
import { confState, identity, initial, makeEntries } from "./entries.js";

const path = must(process.argv[2], "usage: full-disk-child LOG");
const failed = new Deferred<string>();
let failures = 0;
let appends = 0;
const log = await DurableLog.open({
  path,
  identity,
  initial,
  create: true,
  hooks: {
    onFailure: (error) => {
      failures++;
      failed.resolve(`${error.code}: ${error.message}`);
    },
  },
});

function appendOne(): void {
  const hardState = { term: 1, vote: 1, commit: 0 };
  const entries = makeEntries(log.lastIndex() + 1, 1, 1, 20_000);
  log.append({ entries, hardState }, () => {
    appends++;
    appendOne();
  });
}

appendOne();
const text = await failed.promise;
const before = appends;
appendOne();
let reset = "not rejected";
await log.reset({ index: 99, term: 1, confState }).catch((error: unknown) => {
  reset = errorText(error);
});
await log.close();
writeSync(1, `${before === appends ? appends : -1}\n${failures} ${text}\n${reset}\nclosed\n`);
