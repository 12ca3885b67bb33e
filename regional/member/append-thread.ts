import type { DurableLog } from "../log/durable-log.js";
import type { Message, Ready } from "../raft/index.js";

/** What the append thread needs of its driver. */
export interface AppendThreadOptions {
  readonly log: DurableLog;
  /** Replaces log and state by the message's snapshot; resolves when it has. */
  readonly install: (message: Message) => Promise<void>;
  /** The message's work is done: its responses are due. */
  readonly complete: (message: Message) => void;
  /** Runs `work` as an input of the node, so that a ready cycle follows. */
  readonly feed: (work: () => void) => void;
  /** The log is durable through `index`. */
  readonly durable: (index: number) => void;
  /** The snapshot of `message` has replaced everything. */
  readonly installed: (message: Message) => void;
  readonly stopped: () => boolean;
  readonly fatal: (error: unknown) => void;
}

/** An append that is on its way to the disk, and what only has to wait for it. */
interface Append {
  readonly message: Message;
  readonly riders: Message[];
}

/**
 * The append thread of raft's ready cycle (see regional/raft/ready.ts): a queue of writes,
 * each done exactly once and in order, whose responses come when they are durable.
 */
export class AppendThread {
  readonly #options: AppendThreadOptions;
  #appends: Append[] = [];
  /** Appends that wait for an install to end. */
  #behindInstall: Ready[] | undefined;

  constructor(options: AppendThreadOptions) {
    this.#options = options;
  }

  /** Takes the storageAppend message of a Ready that has one. */
  store(ready: Ready): void {
    const message = ready.storageAppend as Message;
    if (this.#behindInstall !== undefined) {
      this.#behindInstall.push(ready);
    } else if (message.snapshot !== null) {
      this.#install(message);
    } else if (ready.mustSync) {
      this.#append(message);
    } else {
      // Nothing that anyone was promised: the log writes it some time, and it keeps its place.
      const { log, complete } = this.#options;
      if (message.hardState !== null) log.append(message, () => {});
      const last = this.#appends.at(-1);
      if (last === undefined) complete(message);
      else last.riders.push(message);
    }
  }

  #append(message: Message): void {
    const append: Append = { message, riders: [] };
    this.#appends.push(append);
    this.#options.log.append(message, () => this.#durable(append));
  }

  #durable(append: Append): void {
    const { log, complete, feed, durable, stopped } = this.#options;
    if (stopped()) return;
    this.#appends.shift();
    feed(() => {
      complete(append.message);
      for (const rider of append.riders) complete(rider);
      durable(log.durableIndex);
    });
  }

  /** Appends before this one are superseded by the snapshot, but their order is kept. */
  #install(message: Message): void {
    const { install, feed, installed, stopped, fatal } = this.#options;
    const behind: Ready[] = [];
    this.#behindInstall = behind;
    install(message).then(
      () => {
        if (stopped()) return;
        this.#behindInstall = undefined;
        feed(() => {
          installed(message);
          this.#append(message);
          for (const ready of behind) this.store(ready);
        });
      },
      (error: unknown) => fatal(error),
    );
  }
}
