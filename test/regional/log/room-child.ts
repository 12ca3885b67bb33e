/** On a small disk of its own: appends and writes state until it is full, makes room, goes on. */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { Backend } from "../../../regional/backend/backend.js";
import { DurableLog } from "../../../regional/log/durable-log.js";
import { must } from "../../../shared/assert.js";
import { Ballast } from "../../peers/small-disk.js";
import { positionAt } from "../backend/positions.js";
import { row } from "../backend/records.js";
import { identity, initial, makeEntries } from "./entries.js";

const folder = must(process.argv[2], "usage: room-child FOLDER");
const ballast = new Ballast(folder);
const failures: string[] = [];
const hooks = { onFailure: (error: Error) => void failures.push(error.message) };

function say(text: string): void {
  writeSync(1, `${text}\n`);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function openLog(): Promise<DurableLog> {
  return DurableLog.open({ path: join(folder, "log.db"), identity, initial, create: true, hooks });
}

function openBackend(): Promise<Backend> {
  return Backend.open({ path: join(folder, "state.db"), identity, hooks });
}

let log = await openLog();
let confirmed = 0;
const append = (bytes: number): void => {
  const index = log.lastIndex() + 1;
  const hardState = { term: 1, vote: 1, commit: 0 };
  log.append({ entries: makeEntries(index, 1, 1, bytes), hardState }, () => {
    confirmed = index;
  });
};

append(1_000);
await until(() => confirmed === 1);
ballast.add();
while (log.full === undefined) {
  append(20_000);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
say(log.full.message);
const before = confirmed;
append(100);
await new Promise((resolve) => setTimeout(resolve, 600));
say(`confirmed while full: ${confirmed - before}, durable: ${log.durableIndex === before}`);
ballast.drop();
await until(() => confirmed === log.lastIndex() && log.full === undefined);
say(`confirmed then: ${confirmed === log.lastIndex()}`);
const last = log.lastIndex();
await log.close();
log = await openLog();
say(`found after a restart: ${log.lastIndex() === last}`);

let backend = await openBackend();
backend.write([row(1, "x".repeat(1_000))], positionAt(1), 1);
await backend.checkpoint();
ballast.add();
let written = 1;
while (backend.full === undefined) {
  written++;
  backend.write([row(written, "x".repeat(50_000))], positionAt(written), written);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
say(backend.full.message);
ballast.drop();
await backend.checkpoint();
say(
  `durable then: ${backend.durableAppliedIndex === written}, full: ${backend.full !== undefined}`,
);
ballast.add();
while (backend.full === undefined) {
  written++;
  backend.write([row(written, "x".repeat(50_000))], positionAt(written), written);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
while (log.full === undefined) {
  append(20_000);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await Promise.all([backend.close(), log.close()]);
say(`closed while full, failures: ${failures.length}`);
ballast.drop();
log = await openLog();
say(`nothing confirmed is lost: ${log.lastIndex() >= confirmed}`);
await log.close();
backend = await openBackend();
say(`state is an old one: ${backend.loaded.index < written}`);
await backend.close();
