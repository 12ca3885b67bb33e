/**
 * The thread that writes the log. It sleeps on a futex rather than in an event loop, which
 * makes the way to it and back about a quarter shorter, and takes all that waits into one
 * transaction.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { must } from "../../shared/assert.js";
import {
  DISK_FULL_RETRY_MS,
  LOG_CHECKPOINT_BYTES,
  LOG_IDLE_CHECKPOINT_BYTES,
  LOG_IDLE_MS,
  LOG_LOAD_CHUNK_BYTES,
  LOG_TRANSACTION_BYTES,
} from "../../shared/limits.js";
import { storageError, toFailure } from "../../shared/sqlite/storage-error.js";
import { LogFile } from "./log-file.js";
import type { LogReply, LogRequest, LogWorkerData } from "./protocol.js";
import { RoomWaiter } from "./room.js";
import { readHeader } from "./row.js";

const { place, port, bell, closing } = workerData as LogWorkerData;
const outlet = must(parentPort, "the log's worker runs in a thread of its own");
const rings = new Int32Array(bell);
const room = new RoomWaiter("can't write the log", place.path, closing, (message) =>
  reply(message),
);

function reply(message: LogReply, transfer: ArrayBuffer[] = []): void {
  outlet.postMessage(message, transfer);
}

function sendRows(rows: readonly Buffer[]): void {
  const ends: number[] = [];
  let size = 0;
  for (const row of rows) ends.push((size += row.length));
  const bytes = new ArrayBuffer(size);
  const target = Buffer.from(bytes);
  rows.forEach((row, i) => row.copy(target, (ends[i] as number) - row.length));
  reply({ kind: "rows", bytes, ends }, [bytes]);
}

function load(file: LogFile): void {
  let rows: Buffer[] = [];
  let size = 0;
  for (const row of file.rows()) {
    rows.push(row);
    size += row.length;
    if (size < LOG_LOAD_CHUNK_BYTES) continue;
    sendRows(rows);
    rows = [];
    size = 0;
  }
  sendRows(rows);
  reply({ kind: "opened", head: file.head });
}

function append(file: LogFile, rows: readonly Buffer[], bytes: number): void {
  const last = rows.at(-1);
  if (last === undefined) return;
  const begun = performance.now();
  room.do(() => file.append(rows));
  const seconds = (performance.now() - begun) / 1000;
  let entries = 0;
  for (const row of rows) entries += readHeader(row).count;
  const { sequence } = readHeader(last);
  reply({ kind: "durable", sequence, seconds, entries, bytes });
}

function reset(file: LogFile, request: Extract<LogRequest, { kind: "reset" }>): void {
  const hard = Buffer.from(request.hard);
  const begun = performance.now();
  room.do(() => file.reset(request.base, hard));
  const seconds = (performance.now() - begun) / 1000;
  const { sequence } = readHeader(hard);
  reply({ kind: "durable", sequence, seconds, entries: 0, bytes: hard.length });
}

/** Does all that waits; false once the log is to be closed. */
function drain(file: LogFile): boolean {
  let rows: Buffer[] = [];
  let bytes = 0;
  const flush = (): void => {
    append(file, rows, bytes);
    rows = [];
    bytes = 0;
  };
  for (;;) {
    const request: LogRequest | undefined = receiveMessageOnPort(port)?.message;
    if (request instanceof ArrayBuffer) {
      rows.push(Buffer.from(request));
      bytes += request.byteLength;
      if (bytes >= LOG_TRANSACTION_BYTES) flush();
      continue;
    }
    flush();
    if (request === undefined) return true;
    if (request.kind === "close") return false;
    if (request.kind === "reset") reset(file, request);
    else room.do(() => file.compact(request.index, request.term));
  }
}

/** One small step of housekeeping; false when there is no room for it. */
function tidy(file: LogFile): boolean {
  return room.try(() => (file.untidy ? file.tidy() : file.checkpoint()));
}

function serve(file: LogFile): void {
  let idleMs = LOG_IDLE_MS;
  for (;;) {
    const seen = Atomics.load(rings, 0);
    if (!drain(file)) return;
    if (file.walBytes >= LOG_CHECKPOINT_BYTES) {
      if (file.untidy) room.try(() => file.tidy());
      room.try(() => file.checkpoint());
    }
    const due = file.untidy || file.walBytes >= LOG_IDLE_CHECKPOINT_BYTES;
    const woken = Atomics.wait(rings, 0, seen, due ? idleMs : Number.POSITIVE_INFINITY);
    if (woken === "timed-out") idleMs = tidy(file) ? LOG_IDLE_MS : DISK_FULL_RETRY_MS;
  }
}

let file: LogFile | undefined;
let doing = "read";
try {
  file = LogFile.open(place);
  load(file);
  doing = "write";
  serve(file);
  file.close();
  reply({ kind: "closed" });
} catch (error) {
  reply({
    kind: "failed",
    failure: toFailure(storageError(`can't ${doing} the log`, place.path, error)),
  });
  file?.close();
}
