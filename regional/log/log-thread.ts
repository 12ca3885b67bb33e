import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { Deferred } from "../../shared/deferred.js";
import { AtollError, errorText } from "../../shared/errors.js";
import { fromFailure } from "../../shared/sqlite/storage-error.js";
import { workerFile } from "../../shared/worker.js";
import type { Entry, SnapshotMetadata } from "../raft/types.js";
import type { LogHead, LogPlace } from "./log-file.js";
import type { LogReply, LogRequest, LogWorkerData } from "./protocol.js";
import { endWaiting } from "./room.js";
import { decodeEntries } from "./row.js";

/** What the thread of a log tells its owner. */
export interface LogThreadEvents {
  onDurable(sequence: number, seconds: number, entries: number, bytes: number): void;
  /** The disk is full, so that all that was sent waits; undefined: there is room again. */
  onFull(error: AtollError | undefined): void;
  onFailure(error: AtollError): void;
}

/** What a log is when it has been read. */
export interface OpenedLog {
  readonly thread: LogThread;
  readonly head: LogHead;
  /** Those past the head's base. */
  readonly entries: Entry[];
}

/** The main thread's end of the log's worker: work in order, by transferred memory. */
export class LogThread {
  readonly #path: string;
  readonly #events: LogThreadEvents;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #bell: Int32Array;
  readonly #closed = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #opened = new Deferred<LogHead>();
  readonly #ended = new Deferred<void>();
  readonly #rows: Buffer[] = [];
  #closing = false;
  #failed = false;

  private constructor(options: LogPlace, events: LogThreadEvents) {
    this.#path = options.path;
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    const bell = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#bell = new Int32Array(bell);
    const workerData: LogWorkerData = {
      place: options,
      port: port2,
      bell,
      closing: this.#closed,
    };
    this.#port = port1;
    this.#worker = new Worker(workerFile("./log-worker.js", import.meta.url), {
      workerData,
      transferList: [port2],
      name: "log",
    });
    this.#worker.on("message", (reply: LogReply) => this.#take(reply));
    this.#worker.on("error", (error) => this.#fail(this.#lost(errorText(error), error)));
    this.#worker.on("exit", () => {
      if (!this.#closing) this.#fail(this.#lost("its thread ended", undefined));
      this.#port.close();
      this.#ended.resolve();
    });
  }

  /** Starts the thread, which opens and verifies the file. Rejects with what is wrong with it. */
  static async open(options: LogPlace, events: LogThreadEvents): Promise<OpenedLog> {
    const thread = new LogThread(options, events);
    const head = await thread.#opened.promise;
    const entries: Entry[] = [];
    for (const row of thread.#rows.splice(0)) decodeEntries(row, head.base.index, entries);
    return { thread, head, entries };
  }

  /** Appends a row; its memory is given away. */
  append(row: Buffer): void {
    const memory = row.buffer as ArrayBuffer;
    this.#send(memory, memory);
  }

  /** Replaces the log; `hard` is a row without entries, whose memory is given away. */
  reset(base: SnapshotMetadata, hard: Buffer): void {
    const memory = hard.buffer as ArrayBuffer;
    this.#send({ kind: "reset", base, hard: memory }, memory);
  }

  compact(index: number, term: number): void {
    this.#send({ kind: "compact", index, term });
  }

  /**
   * Resolves when everything sent before is done and the thread has ended; what a full disk
   * has no room for is given up.
   */
  async close(): Promise<void> {
    this.#closing = true;
    endWaiting(this.#closed);
    this.#send({ kind: "close" });
    await this.#ended.promise;
  }

  #send(request: LogRequest, memory?: ArrayBuffer): void {
    this.#port.postMessage(request, memory === undefined ? [] : [memory]);
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }

  #take(reply: LogReply): void {
    switch (reply.kind) {
      case "durable":
        this.#events.onDurable(reply.sequence, reply.seconds, reply.entries, reply.bytes);
        break;
      case "rows": {
        let start = 0;
        for (const end of reply.ends) {
          this.#rows.push(Buffer.from(reply.bytes, start, end - start));
          start = end;
        }
        break;
      }
      case "opened":
        this.#opened.resolve(reply.head);
        break;
      case "full":
        this.#events.onFull(fromFailure(reply.failure));
        break;
      case "room":
        this.#events.onFull(undefined);
        break;
      case "failed":
        this.#fail(fromFailure(reply.failure));
        break;
      case "closed":
        break;
    }
  }

  #lost(text: string, cause: unknown): AtollError {
    const message = `can't write the log ${this.#path}: ${text}`;
    return new AtollError("INTERNAL", message, { cause });
  }

  #fail(error: AtollError): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#opened.reject(error);
    this.#events.onFailure(error);
  }
}
