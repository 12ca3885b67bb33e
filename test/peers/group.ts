import { rm } from "node:fs/promises";
import type { Child } from "./child.js";

const READY_MS = 30_000;

/** Where a member of a group is. */
export interface Place {
  readonly name: string;
  /** host:port of its etcd API. */
  readonly client: string;
  readonly peer: string;
}

/** What a member is told of the others when it starts. */
export interface Joining {
  /** name=address,… of the members, itself among them. */
  readonly initialCluster: string;
  readonly clusterState: "new" | "existing";
}

/** What a kind of group makes of its members. */
export interface GroupKind<P extends Place> {
  /** Places for so many members, the first of which is number `first`. */
  readonly places: (count: number, first: number) => Promise<P[]>;
  /** How a member is named to the others. */
  readonly address: (place: P) => string;
  /** Starts a member's process; `index` is its place among all that ever were. */
  readonly spawn: (member: P & Joining, index: number) => Child;
  /** Whether a member serves; asked until it does. */
  readonly isReady: (member: P & Joining) => Promise<boolean>;
  /** Ends a member's process, as this kind is ended best. */
  readonly end: (child: Child) => Promise<void>;
  /** A folder that is removed in the end. */
  readonly temporary: string | undefined;
}

/** Members of one Raft group, each a process on loopback, as a test or benchmark sees them. */
export class Group<P extends Place> {
  /** Every member that ever was, in the order in which they came. */
  readonly members: (P & Joining)[] = [];
  readonly #kind: GroupKind<P>;
  readonly #children: (Child | undefined)[] = [];

  constructor(kind: GroupKind<P>) {
    this.#kind = kind;
  }

  /** Starts the first members; resolves when every one is ready. */
  async start(count: number): Promise<void> {
    const places = await this.#kind.places(count, 0);
    const initialCluster = this.#cluster(places);
    for (const place of places) {
      this.members.push({ ...place, initialCluster, clusterState: "new" });
    }
    try {
      this.members.forEach((_, index) => this.launch(index));
      await Promise.all(this.members.map((_, index) => this.ready(index)));
    } catch (error) {
      await this.stop().catch(() => {});
      throw error;
    }
  }

  #cluster(places: readonly P[]): string {
    return places.map((place) => `${place.name}=${this.#kind.address(place)}`).join(",");
  }

  /** host:port of each member's etcd API. */
  get endpoints(): string[] {
    return this.members.map((member) => member.client);
  }

  /** A member that may join `others`, to be added to the membership and then started; its index. */
  async prepare(others: readonly number[]): Promise<number> {
    const [place] = await this.#kind.places(1, this.members.length);
    if (place === undefined) throw new Error("there is no place for another member");
    const initialCluster = this.#cluster([...others.map((index) => this.member(index)), place]);
    this.members.push({ ...place, initialCluster, clusterState: "existing" });
    return this.members.length - 1;
  }

  /** Changes where a stopped member is, or what it is told when it starts. */
  change(index: number, fields: Partial<P & Joining>): void {
    this.members[index] = { ...this.member(index), ...fields };
  }

  member(index: number): P & Joining {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  /** The process of one member: `kill()`, `stop()`, `signal("SIGSTOP")`, its output. */
  child(index: number): Child {
    const child = this.#children[index];
    if (child === undefined) throw new Error(`there is no member ${index}`);
    return child;
  }

  /** Starts a member, the first time or again, without waiting for anything. */
  launch(index: number): Child {
    const before = this.#children[index];
    const member = this.member(index);
    if (before !== undefined && !before.hasExited) throw new Error(`${member.name} still runs`);
    const child = this.#kind.spawn(member, index);
    this.#children[index] = child;
    return child;
  }

  /** Resolves when a member serves. */
  async ready(index: number): Promise<void> {
    await this.child(index).until(() => this.#kind.isReady(this.member(index)), READY_MS);
  }

  /** Starts a member again that was killed or stopped, on its own data; waits until it is ready. */
  async restart(index: number): Promise<void> {
    this.launch(index);
    await this.ready(index);
  }

  /** Ends every member and removes the data where the folder was temporary. */
  async stop(): Promise<void> {
    try {
      await Promise.all(this.#children.map(async (child) => child && this.#kind.end(child)));
    } finally {
      const { temporary } = this.#kind;
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    }
  }
}
