/** Writes state until the disk refuses, and says what it was told. */
import { writeSync } from "node:fs";
import { Backend } from "../../../regional/backend/backend.js";
import { must } from "../../../shared/assert.js";
import { Deferred } from "../../../shared/deferred.js";
import { errorText } from "../../../shared/errors.js";
import { identity } from "../log/entries.js";
import { positionAt } from "./positions.js";
import { row } from "./records.js";

const path = must(process.argv[2], "usage: full-disk-child DATABASE");
const failed = new Deferred<string>();
let failures = 0;
const backend = await Backend.open({
  path,
  identity,
  hooks: {
    onFailure: (error) => {
      failures++;
      failed.resolve(`${error.code}: ${error.message}`);
    },
  },
});

let refused: string | undefined;
for (let i = 1; refused === undefined; i++) {
  backend.write([row(i, "x".repeat(50_000))], positionAt(i), i);
  try {
    await backend.checkpoint();
  } catch (error) {
    refused = errorText(error);
  }
}
const text = await failed.promise;
await backend.close();
writeSync(1, `${failures} ${text}\n${refused}\nclosed\n`);
