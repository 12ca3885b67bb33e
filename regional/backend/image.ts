import { Worker } from "node:worker_threads";
import { Deferred } from "../../shared/deferred.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { SNAPSHOT_CHUNK_BYTES } from "../../shared/limits.js";
import { fromFailure } from "../../shared/sqlite/storage-error.js";
import { workerFile } from "../../shared/worker.js";
import type { SnapshotMetadata } from "../raft/types.js";
import type { ImageReply, ImageTask } from "./protocol.js";

/** A consistent image of the state in a file. */
export interface BackendImage {
  readonly file: string;
  readonly bytes: number;
  /** Position in the log that the image stands at, and the membership there. */
  readonly position: SnapshotMetadata;
  /** The file's chunks, the last one shorter, and the CRC-32 of each; none of an adopted image. */
  readonly chunkBytes: number;
  readonly checksums: Uint32Array;
}

/** Runs a task on a whole database in a thread of its own. Rejects naming the file and why. */
export async function runImageTask(task: ImageTask): Promise<BackendImage> {
  const file = task.kind === "make" ? task.target : task.path;
  const ended = new Deferred<ImageReply>();
  const worker = new Worker(workerFile("./image-worker.js", import.meta.url), {
    workerData: task,
    name: "image",
  });
  worker.on("message", (reply: ImageReply) => ended.resolve(reply));
  worker.on("error", (error) => ended.reject(lost(file, errorText(error), error)));
  worker.on("exit", () => ended.reject(lost(file, "its thread ended", undefined)));
  const reply = await ended.promise;
  if (reply.kind === "failed") throw fromFailure(reply.failure);
  const { bytes, position, checksums } = reply;
  return { file, bytes, position, chunkBytes: SNAPSHOT_CHUNK_BYTES, checksums };
}

function lost(file: string, text: string, cause: unknown): AtollError {
  return new AtollError("INTERNAL", `can't work on the image ${file}: ${text}`, { cause });
}
