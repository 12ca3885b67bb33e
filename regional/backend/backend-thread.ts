import { Worker } from "node:worker_threads";
import { Deferred } from "../../shared/deferred.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { fromFailure } from "../../shared/sqlite/storage-error.js";
import { workerFile } from "../../shared/worker.js";
import type { FileIdentity } from "../log/identity.js";
import { endWaiting } from "../log/room.js";
import type { BackendReply, BackendRequest, BackendWorkerData } from "./protocol.js";

type Opened = Extract<BackendReply, { kind: "opened" }>;

/** The main thread's end of the state database's worker. */
export class BackendThread {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #opened = new Deferred<Opened>();
  readonly #ended = new Deferred<void>();
  #onReply: (reply: BackendReply) => void = () => undefined;
  #onFailure: (error: AtollError) => void = () => undefined;
  #closing = false;
  #failed = false;
  readonly #closed: SharedArrayBuffer;

  private constructor(data: BackendWorkerData) {
    this.#path = data.path;
    this.#closed = data.closing;
    this.#worker = new Worker(workerFile("./backend-worker.js", import.meta.url), {
      workerData: data,
      name: "backend",
    });
    this.#worker.on("message", (reply: BackendReply) => this.#take(reply));
    this.#worker.on("error", (error) => this.#fail(this.#lost(errorText(error), error)));
    this.#worker.on("exit", () => {
      if (!this.#closing) this.#fail(this.#lost("its thread ended", undefined));
      this.#ended.resolve();
    });
  }

  /** Starts the thread, which opens the file. Rejects with what is wrong with it. */
  static async open(
    path: string,
    identity: FileIdentity,
  ): Promise<{ thread: BackendThread; opened: Opened }> {
    const thread = new BackendThread({
      path,
      identity,
      closing: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    });
    return { thread, opened: await thread.#opened.promise };
  }

  /** Whom replies and the one failure go to. */
  connect(onReply: (reply: BackendReply) => void, onFailure: (error: AtollError) => void): void {
    this.#onReply = onReply;
    this.#onFailure = onFailure;
  }

  /** Sends work; `memory` is given away. */
  send(request: BackendRequest, memory: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, memory);
  }

  /** From now on what a full disk has no room for is a failure, and not waited for. */
  endWaiting(): void {
    endWaiting(this.#closed);
  }

  /** Resolves when everything sent before is done and the thread has ended. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.send({ kind: "close" });
    }
    await this.#ended.promise;
  }

  #take(reply: BackendReply): void {
    if (reply.kind === "opened") this.#opened.resolve(reply);
    else if (reply.kind === "failed") this.#fail(fromFailure(reply.failure));
    else this.#onReply(reply);
  }

  #lost(text: string, cause: unknown): AtollError {
    const message = `can't write the state database ${this.#path}: ${text}`;
    return new AtollError("INTERNAL", message, { cause });
  }

  #fail(error: AtollError): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#opened.reject(error);
    this.#onFailure(error);
  }
}
