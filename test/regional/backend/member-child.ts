/**
 * Opens a member's storage and works on it until it is killed: appends entries, writes the
 * state they make (row `index mod 50` = index), checkpoints, cuts the log. Each completed
 * checkpoint is a line with its index on standard output. Exits with 1 and the error's
 * text when the storage can't be opened.
 */
import { writeSync } from "node:fs";
import { openStorage } from "../../../regional/backend/storage.js";
import { must } from "../../../shared/assert.js";
import { errorText } from "../../../shared/errors.js";
import { seededRandom } from "../../../shared/random.js";
import { confState, makeEntries } from "../log/entries.js";
import { meta, row } from "./records.js";

const path = must(process.argv[2], "usage: member-child DIRECTORY SEED");
const random = seededRandom(Number(process.argv[3]));

function stop(error: unknown): never {
  writeSync(2, `${errorText(error)}\n`);
  process.exitCode = 1;
  throw error;
}

const storage = await openStorage({
  path,
  identity: { clusterId: 0xc1a5n, memberId: 0x3e3b },
  initial: confState,
  logHooks: { onFailure: stop },
  backendHooks: { onFailure: stop },
}).catch(stop);

const { log, backend } = storage;
let applied = backend.loaded.index;

function apply(): void {
  for (; applied < log.durableIndex; ) {
    applied++;
    const text = String(applied);
    const position = { index: applied, term: 1, confState };
    backend.write([row(applied % 50, text), meta(text)], position, log.durableIndex);
  }
}

async function checkpoint(): Promise<void> {
  const durable = await backend.checkpoint();
  writeSync(1, `${durable}\n`);
  if (durable - 20 > log.base.index) log.compact(durable - 20);
}

function appendOne(): void {
  const entries = makeEntries(log.lastIndex() + 1, 1 + random.int(10), 1, random.int(300));
  log.append({ entries, hardState: { term: 1, vote: 1, commit: log.durableIndex } }, () => {
    apply();
    if (random.chance(0.2)) checkpoint().catch(stop);
    setImmediate(appendOne);
  });
}

appendOne();
appendOne();
