/** The thread that reads and writes the stored view. */
import { parentPort } from "node:worker_threads";
import { must } from "../../shared/assert.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { storageError, toFailure } from "../../shared/sqlite/storage-error.js";
import type { StorageReply, StorageRequest } from "./protocol.js";
import { ViewFile } from "./view-file.js";

const outlet = must(parentPort, "the storage's worker runs in a thread of its own");
let file: ViewFile | undefined;
let path = "";
let rows: Generator<Uint8Array<ArrayBuffer>> | undefined;

function opened(): ViewFile {
  if (file === undefined) throw new AtollError("INTERNAL", "the stored view isn't open");
  return file;
}

function shut(): void {
  rows?.return(undefined);
  rows = undefined;
  file?.close();
  file = undefined;
}

function load(): StorageReply {
  rows ??= opened().rows();
  try {
    const { done, value } = rows.next();
    return { kind: "rows", packed: done === true ? null : value, lost: undefined };
  } catch (error) {
    // What was read before it is as it was written.
    return { kind: "rows", packed: null, lost: errorText(error) };
  }
}

function answer(request: StorageRequest): StorageReply {
  const begun = performance.now();
  switch (request.kind) {
    case "open":
      shut();
      ({ path } = request);
      file = ViewFile.open(request.path, request.region);
      break;
    case "load":
      return load();
    case "write":
      rows?.return(undefined);
      opened().write(request.packed, request.commits);
      break;
    case "roll-back":
      file?.rollBack();
      break;
    case "shut":
      shut();
      break;
  }
  return { kind: "done", bytes: file?.bytes ?? 0, seconds: (performance.now() - begun) / 1000 };
}

outlet.on("message", (request: StorageRequest) => {
  let reply: StorageReply;
  try {
    reply = answer(request);
  } catch (error) {
    const what = `can't ${request.kind} the stored view`;
    reply = { kind: "failed", failure: toFailure(storageError(what, path, error)) };
  }
  const memory = reply.kind === "rows" && reply.packed !== null ? [reply.packed.buffer] : [];
  outlet.postMessage(reply, memory as ArrayBuffer[]);
});
