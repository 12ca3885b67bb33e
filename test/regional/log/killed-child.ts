/**
 * Appends to a log until it is killed: batches of all sizes, now and then a conflicting
 * suffix or a compaction. Each acknowledged append is a line "last index, term, commit" on standard
 * output, written before anything else happens.
 */
import { writeSync } from "node:fs";
import { DurableLog } from "../../../regional/log/durable-log.js";
import { must } from "../../../shared/assert.js";
import { seededRandom } from "../../../shared/random.js";
import { identity, initial, makeEntries } from "./entries.js";

const path = must(process.argv[2], "usage: killed-child LOG SEED");
const random = seededRandom(Number(process.argv[3]));
const log = await DurableLog.open({
  path,
  identity,
  initial,
  create: true,
  hooks: {
    onFailure: (error) => {
      throw error;
    },
  },
});

let { term } = log.initialState().hardState;
let commit = log.lastIndex();

function appendOne(): void {
  let first = log.lastIndex() + 1;
  if (random.chance(0.1)) {
    // Entries that are committed are never replaced.
    first = Math.max(commit + 1, first - random.int(6));
    term++;
  } else if (random.chance(0.02) && log.durableIndex > log.base.index) {
    log.compact(log.base.index + random.int(log.durableIndex - log.base.index + 1));
  }
  const entries = makeEntries(first, 1 + random.int(20), Math.max(term, 1), random.int(2000));
  const last = must(entries.at(-1), "batches are never empty").index;
  const hardState = { term: Math.max(term, 1), vote: 1, commit };
  log.append({ entries, hardState }, () => {
    if (log.lastIndex() >= last && log.term(last) === hardState.term)
      commit = Math.max(commit, last);
    writeSync(1, `${last} ${hardState.term} ${hardState.commit}\n`);
    setImmediate(appendOne);
  });
}

for (let i = 0; i < 4; i++) appendOne();
