/** The thread that writes the state database. */
import { parentPort, workerData } from "node:worker_threads";
import { must } from "../../shared/assert.js";
import { BACKEND_LOAD_BATCH_BYTES } from "../../shared/limits.js";
import { storageError, toFailure } from "../../shared/sqlite/storage-error.js";
import { RoomWaiter } from "../log/room.js";
import type { BackendReply, BackendRequest, BackendWorkerData } from "./protocol.js";
import { StateFile } from "./state-file.js";

const { path, identity, closing } = workerData as BackendWorkerData;
const outlet = must(parentPort, "the state database's worker runs in a thread of its own");

function reply(message: BackendReply, transfer: ArrayBuffer[] = []): void {
  outlet.postMessage(message, transfer);
}

const room = new RoomWaiter("can't write the state database", path, closing, (message) =>
  reply(message),
);

function secondsSince(begun: number): number {
  return (performance.now() - begun) / 1000;
}

/** A state database and the records that are being read from it. */
class Server {
  readonly #file: StateFile;
  #records: Generator<Buffer, void> | undefined;

  constructor(file: StateFile) {
    this.#file = file;
  }

  do(request: BackendRequest): void {
    const begun = performance.now();
    const file = this.#file;
    if (request.kind === "load") {
      this.#load();
      return;
    }
    this.#records?.return();
    switch (request.kind) {
      case "write":
        room.do(() => file.write(Buffer.from(request.packed), request.position));
        reply({ kind: "written", seconds: secondsSince(begun), size: file.size });
        break;
      case "checkpoint": {
        let complete = false;
        room.try(() => {
          complete = file.checkpoint();
        });
        reply({ kind: "checkpointed", complete, seconds: secondsSince(begun) });
        break;
      }
      case "close":
        file.close();
        outlet.close();
        reply({ kind: "closed" });
        break;
    }
  }

  #load(): void {
    this.#records ??= this.#file.records(BACKEND_LOAD_BATCH_BYTES);
    const { done, value } = this.#records.next();
    if (done === true) {
      reply({ kind: "records", packed: null, length: 0 });
    } else {
      const memory = value.buffer as ArrayBuffer;
      reply({ kind: "records", packed: memory, length: value.length }, [memory]);
    }
  }
}

function fail(what: string, error: unknown): void {
  reply({ kind: "failed", failure: toFailure(storageError(what, path, error)) });
  outlet.close();
}

function start(): void {
  const file = StateFile.open(path, identity);
  const server = new Server(file);
  outlet.on("message", (request: BackendRequest) => {
    const what = `can't ${request.kind === "load" ? "read" : "write"} the state database`;
    try {
      server.do(request);
    } catch (error) {
      fail(what, error);
    }
  });
  reply({ kind: "opened", position: file.position(), size: file.size });
}

try {
  start();
} catch (error) {
  fail("can't open the state database", error);
}
