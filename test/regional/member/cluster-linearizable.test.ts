import { afterEach, describe, expect, it } from "vitest";
import type { Member } from "../../../regional/member.js";
import { get, put, TestCluster } from "./cluster.js";

let cluster: TestCluster;
afterEach(async () => {
  await cluster?.stop();
});

/**
 * One writer counts a register up; readers at every member check each read against what
 * was acknowledged when it began and what was asked for when it ended.
 */
class Register {
  issued = 0;
  acknowledged = 0;
  reads = 0;
  readonly wrong: string[] = [];
  #stopped = false;

  async write(pick: () => Member): Promise<void> {
    while (!this.#stopped) {
      const value = ++this.issued;
      try {
        await put(pick(), "register", String(value));
        this.acknowledged = value;
      } catch {
        // It may or may not have been written; either is fine until the next one is.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  async read(pick: () => Member): Promise<void> {
    while (!this.#stopped) {
      const least = this.acknowledged;
      let value: string | undefined;
      try {
        value = await get(pick(), "register");
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const most = this.issued;
      const read = Number(value ?? 0);
      this.reads++;
      if (read < least || read > most) this.wrong.push(`${read} not in ${least}..${most}`);
    }
  }

  async progress(writes: number): Promise<void> {
    const goal = this.acknowledged + writes;
    const end = performance.now() + 20_000;
    while (this.acknowledged < goal) {
      if (performance.now() > end) throw new Error("writes don't go on");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

describe("reads through any member", () => {
  it("see every acknowledged write, while leaders come and go", async () => {
    cluster = await TestCluster.start(3);
    await cluster.leader();
    const register = new Register();
    const any = (): Member => {
      const members = cluster.running;
      return members[Math.floor(Math.random() * members.length)] as Member;
    };
    const work = [register.write(any), ...Array.from({ length: 6 }, () => register.read(any))];
    try {
      for (let round = 0; round < 3; round++) {
        await register.progress(50);
        const leader = await cluster.leader();
        await cluster.stopMember(leader.name);
        await register.progress(50);
        await cluster.startMember(leader.name);
      }
      await register.progress(50);
    } finally {
      register.stop();
      await Promise.all(work);
    }
    expect(register.wrong).toEqual([]);
    expect(register.reads).toBeGreaterThan(500);
  }, 60_000);
});
