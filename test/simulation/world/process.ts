import type { SimMember } from "./member.js";

/** A member's process, which may stand still; what comes meanwhile waits for it. */
export class Process {
  readonly member: SimMember;
  #paused = false;
  #ended = false;
  #missedTicks = 0;
  /** From peers and from its own threads. */
  #work: (() => void)[] = [];
  /** From clients, who have other connections. */
  #requests: (() => void)[] = [];

  constructor(member: SimMember) {
    this.member = member;
  }

  get awake(): boolean {
    return !this.#paused;
  }

  tick(): void {
    if (this.#paused) this.#missedTicks++;
    else this.member.tick();
  }

  /** Does something for a peer or a thread, now or when it is awake. */
  work(task: () => void): void {
    if (this.#paused) this.#work.push(task);
    else task();
  }

  /** Does something for a client, now or when it is awake. */
  request(task: () => void): void {
    if (this.#paused) this.#requests.push(task);
    else task();
  }

  pause(): void {
    this.#paused = true;
  }

  /** Goes on with all that has come, by connection. */
  resume(clientsFirst: boolean): void {
    if (this.#ended || !this.#paused) return;
    this.#paused = false;
    this.member.wake(this.#missedTicks);
    this.#missedTicks = 0;
    const tasks = clientsFirst
      ? [...this.#requests, ...this.#work]
      : [...this.#work, ...this.#requests];
    this.#requests = [];
    this.#work = [];
    for (const task of tasks) if (!this.#ended) task();
  }

  /** Nothing happens in it any more. */
  end(): void {
    this.#ended = true;
    this.#paused = true;
  }
}
