import { Worker } from "node:worker_threads";
import { Deferred } from "../../shared/deferred.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { fromFailure } from "../../shared/sqlite/storage-error.js";
import { workerFile } from "../../shared/worker.js";
import type { StorageReply, StorageRequest } from "./protocol.js";

type Done = Extract<StorageReply, { kind: "done" }>;
type Rows = Extract<StorageReply, { kind: "rows" }>;

/** The main thread's end of the storage's worker, which is started again when it is lost. */
export class StorageThread {
  #worker: Worker | undefined;
  #waiting: Deferred<StorageReply>[] = [];

  /** Opens the file, another one being shut first. Rejects with what is wrong with it. */
  open(path: string, region: string): Promise<Done> {
    return this.#ask<Done>({ kind: "open", path, region });
  }

  /** One more piece of the rows. */
  load(): Promise<Rows> {
    return this.#ask<Rows>({ kind: "load" });
  }

  /** Writes packed rows, which are given away. Rejects once they are rolled back. */
  write(packed: Uint8Array<ArrayBuffer>, commits: boolean): Promise<Done> {
    return this.#ask<Done>({ kind: "write", packed, commits }, [packed.buffer]);
  }

  rollBack(): Promise<Done> {
    return this.#ask<Done>({ kind: "roll-back" });
  }

  /** Closes the file. */
  shut(): Promise<Done> {
    return this.#ask<Done>({ kind: "shut" });
  }

  /** Ends the thread. */
  async end(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #ask<T extends StorageReply>(
    request: StorageRequest,
    memory: ArrayBuffer[] = [],
  ): Promise<T> {
    const answer = new Deferred<StorageReply>();
    this.#waiting.push(answer);
    this.#started().postMessage(request, memory);
    const reply = await answer.promise;
    if (reply.kind === "failed") throw fromFailure(reply.failure);
    return reply as T;
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(workerFile("./storage-worker.js", import.meta.url), {
      name: "storage",
    });
    this.#worker = worker;
    worker.on("message", (reply: StorageReply) => this.#waiting.shift()?.resolve(reply));
    worker.on("error", (error) => this.#lost(worker, errorText(error)));
    worker.on("exit", () => this.#lost(worker, "its thread ended"));
    return worker;
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#worker === worker) this.#worker = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    const error = new AtollError("INTERNAL", `the stored view's thread is gone: ${reason}`);
    for (const answer of waiting) answer.reject(error);
  }
}
