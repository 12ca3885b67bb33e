/** The thread that makes or adopts an image of the state database, beside its writer. */
import { closeSync, fsyncSync, openSync, readSync, statSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { must } from "../../shared/assert.js";
import { AtollError } from "../../shared/errors.js";
import { BACKEND_LOAD_BATCH_BYTES, SNAPSHOT_CHUNK_BYTES } from "../../shared/limits.js";
import { storageError, toFailure } from "../../shared/sqlite/storage-error.js";
import { prepareSchema } from "../log/schema.js";
import type { SnapshotMetadata } from "../raft/types.js";
import type { ImageReply, ImageTask } from "./protocol.js";
import { readPosition, readRecords, STATE_FORMAT } from "./state-file.js";

const task = workerData as ImageTask;
const outlet = must(parentPort, "images are made in a thread of their own");

function positionOf(db: Database.Database, path: string): SnapshotMetadata {
  const position = readPosition(db, path);
  if (position !== null) return position;
  throw new AtollError("FAILED_PRECONDITION", `the state database ${path} has no state yet`);
}

function withDatabase<T>(
  path: string,
  options: Database.Options,
  work: (db: Database.Database) => T,
): T {
  const db = new Database(path, options);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

function make(source: string, target: string): SnapshotMetadata {
  withDatabase(source, { readonly: true }, (db) => {
    db.prepare("VACUUM INTO ?").run(target);
  });
  return withDatabase(target, { readonly: true }, (db) => positionOf(db, target));
}

function adopt({ path, identity }: Extract<ImageTask, { kind: "adopt" }>): SnapshotMetadata {
  return withDatabase(path, { fileMustExist: true }, (db) => {
    db.pragma("synchronous = FULL");
    const member = db.prepare<[string]>("UPDATE meta SET value = ? WHERE key = 'member'");
    member.run(identity.member);
    const [what, format, create, schema] = ["received snapshot", STATE_FORMAT, false, ""] as const;
    prepareSchema(db, { what, path, format, identity, create, schema });
    const records = readRecords(db, path, BACKEND_LOAD_BATCH_BYTES);
    while (records.next().done !== true);
    return positionOf(db, path);
  });
}

/** Makes the file durable and gives the checksums of its chunks. */
function sealed(path: string): Uint32Array {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
    const buffer = Buffer.allocUnsafe(SNAPSHOT_CHUNK_BYTES);
    const checksums: number[] = [];
    for (;;) {
      const length = readSync(fd, buffer, 0, buffer.length, checksums.length * buffer.length);
      if (length === 0) return Uint32Array.from(checksums);
      checksums.push(crc32(buffer.subarray(0, length)));
    }
  } finally {
    closeSync(fd);
  }
}

function carryOut(): ImageReply {
  const path = task.kind === "make" ? task.target : task.path;
  try {
    const position = task.kind === "make" ? make(task.source, path) : adopt(task);
    const checksums = task.kind === "make" ? sealed(path) : new Uint32Array(0);
    return { kind: "done", position, bytes: statSync(path).size, checksums };
  } catch (error) {
    const what = task.kind === "make" ? "can't write the image" : "can't use the received snapshot";
    return { kind: "failed", failure: toFailure(storageError(what, path, error)) };
  }
}

outlet.postMessage(carryOut());
