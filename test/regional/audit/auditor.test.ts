import { describe, expect, test } from "vitest";
import { Auditor } from "../../../regional/audit/auditor.js";
import { divergedError } from "../../../regional/audit/diverged.js";
import type { Verdict } from "../../../regional/audit/jury.js";
import { decodeAudit } from "../../../regional/peer/audit-wire.js";
import { FRAME_HEAD_BYTES } from "../../../regional/peer/frame.js";
import { RecordTable } from "../../../regional/store/records.js";
import { RegionState } from "../../../regional/store/state.js";
import {
  AUDIT_CHAIN_ENTRIES,
  AUDIT_DISPUTE_MS,
  AUDIT_WALK_PAUSE_MS,
} from "../../../shared/limits.js";
import { createLogger } from "../../../shared/log.js";
import { bytes, CONF_STATE, command, reload } from "../store/support.js";

const [ONE, TWO, THREE] = CONF_STATE.voters as [number, number, number];
const TICK = 100;

/** Members that apply the same entries and audit each other, without clocks or sockets. */
class World {
  readonly states = new Map(CONF_STATE.voters.map((id) => [id, new RegionState(CONF_STATE)]));
  readonly auditors = new Map<number, Auditor>();
  readonly stopped = new Map<number, Verdict>();
  readonly logged: string[] = [];
  readonly silent = new Set<number>();
  nowMs = 0;
  index = 0;
  #frames: { from: number; frame: Buffer }[] = [];

  constructor() {
    for (const self of CONF_STATE.voters) {
      const host = {
        self,
        state: () => this.state(self),
        leads: () => self === ONE,
        lastIndex: () => this.index,
        broadcast: (frame: Buffer) => void this.#frames.push({ from: self, frame }),
        onOutlier: (verdict: Verdict) => void this.stopped.set(self, verdict),
        log: createLogger(
          "error",
          {},
          { write: (line) => void this.logged.push(`${self} ${line}`) },
        ),
      };
      this.auditors.set(self, new Auditor(host, 0));
    }
  }

  state(id: number): RegionState {
    return this.states.get(id) as RegionState;
  }

  auditor(id: number): Auditor {
    return this.auditors.get(id) as Auditor;
  }

  /** Applies an entry on some members, which may be behind for it. */
  apply(data: Uint8Array, ids: readonly number[] = CONF_STATE.voters): void {
    this.index++;
    for (const id of ids) this.applyOn(id, this.index, data);
  }

  applyOn(id: number, index: number, data: Uint8Array): void {
    this.state(id).apply(index, 1, data);
    const auditor = this.auditor(id);
    if (index >= auditor.next) auditor.applied(index);
  }

  put(key: string, value: string, ids?: readonly number[]): void {
    this.apply(command.put({ key: bytes(key), value: bytes(value) }), ids);
  }

  /** Delivers what members say, until nobody says anything. */
  deliver(): void {
    for (let next = this.#frames.shift(); next !== undefined; next = this.#frames.shift()) {
      const { from, frame } = next;
      if (this.silent.has(from)) continue;
      for (const [id, auditor] of this.auditors) {
        if (id === from || this.silent.has(id)) continue;
        auditor.receive(from, decodeAudit(frame.subarray(FRAME_HEAD_BYTES)));
      }
    }
  }

  /** Lets time pass, chores included. */
  pass(milliseconds: number): void {
    for (const end = this.nowMs + milliseconds; this.nowMs < end; ) {
      this.nowMs += TICK;
      for (const auditor of this.auditors.values()) {
        auditor.tick(this.nowMs);
        if (this.nowMs % 1000 === 0) auditor.chore();
      }
      this.deliver();
    }
  }

  /** Changes a byte of a stored value behind the member's back. */
  flip(id: number, value: string): void {
    const records = [...this.state(id).dump()].map((record) => {
      if (record.table !== RecordTable.rows || record.value === null) return record;
      const flipped = Buffer.from(record.value);
      const at = flipped.indexOf(value);
      if (at >= 0) flipped[at] = (flipped[at] as number) ^ 1;
      return { ...record, value: flipped };
    });
    this.states.set(id, reload(records));
  }

  named(id: number): number[] {
    return this.auditor(id).findings.outliers.map(({ member }) => member);
  }
}

describe("members that audit each other", () => {
  test("agree under load at fixed indexes, and at the last one when nothing is written", () => {
    const world = new World();
    for (let i = 0; i < AUDIT_CHAIN_ENTRIES; i++) world.put("k", "v");
    world.deliver();
    expect(world.auditor(TWO).findings.agreedIndex).toBe(AUDIT_CHAIN_ENTRIES);
    world.put("k", "v");
    world.pass(3_000);
    expect(world.auditor(TWO).findings.agreedIndex).toBe(AUDIT_CHAIN_ENTRIES + 1);
    expect(world.auditor(TWO).findings.disagreements).toBe(0);
  });

  test("compare under a trickle of writes, at indexes that the leader names beforehand", () => {
    const world = new World();
    for (let i = 0; i < 5; i++) {
      world.pass(1_000);
      world.put("k", `${i}`);
    }
    world.pass(900);
    expect(world.auditor(THREE).findings.agreedIndex).toBe(5);
  });

  test("name one that applied something else, and that one stops", () => {
    const world = new World();
    world.put("a", "good", [ONE, TWO]);
    world.applyOn(THREE, 1, command.put({ key: bytes("a"), value: bytes("evil") }));
    world.pass(3_000);
    for (const id of CONF_STATE.voters) expect(world.named(id)).toEqual([THREE]);
    expect([...world.stopped.keys()]).toEqual([THREE]);
    const verdict = world.stopped.get(THREE) as Verdict;
    const { code, message } = divergedError(verdict, THREE, "/data");
    expect(code).toBe("DATA_LOSS");
    const own = verdict.hashes.get(THREE);
    expect(message).toContain("the state of this member (21) has diverged from its group's");
    expect(message).toContain(
      `is ${own} here, but ${verdict.majority} on a majority (members b, 16)`,
    );
    expect(message).toContain("empty /data, and add it as a new member");
    expect(world.logged.filter((line) => line.includes('"diverged":"21"'))).toHaveLength(3);
  });

  test.each([ONE, TWO])(
    "name member %i whose stored value has changed, though no entry shows it",
    (bad) => {
      const world = new World();
      for (let i = 0; i < 50; i++) world.put(`k${i}`, `value-${i}`);
      world.pass(2 * AUDIT_WALK_PAUSE_MS);
      expect(world.auditor(TWO).findings.agreements).toBeGreaterThan(0);
      expect(world.named(TWO)).toEqual([]);
      world.flip(bad, "value-33");
      world.pass(2 * AUDIT_WALK_PAUSE_MS);
      for (const id of CONF_STATE.voters) expect(world.named(id)).toEqual([bad]);
      expect([...world.stopped.keys()]).toEqual([bad]);
      expect(world.auditor(TWO).findings.outliers[0]?.verdict.mark).toMatchObject({
        kind: "slice",
      });
    },
  );

  test("name a member whose lease has changed, though no entry shows it", () => {
    const world = new World();
    world.apply(command.grant(7n, 60n));
    world.pass(3_000);
    expect(world.auditor(ONE).findings.disagreements).toBe(0);
    const records = [...world.state(TWO).dump()].map((record) => {
      if (record.table !== RecordTable.leases || record.value === null) return record;
      const longer = Buffer.from(record.value);
      longer[7] = 61;
      return { ...record, value: longer };
    });
    world.states.set(TWO, reload(records));
    world.pass(3_000);
    for (const id of CONF_STATE.voters) expect(world.named(id)).toEqual([TWO]);
    expect(world.auditor(ONE).findings.outliers[0]?.verdict.mark).toMatchObject({ kind: "tables" });
  });

  test("compare slices with members that are behind, when they have come as far", () => {
    const world = new World();
    world.put("a", "1");
    world.put("b", "2", [ONE, TWO]);
    world.pass(1_000);
    const before = world.auditor(ONE).findings.agreements;
    world.applyOn(THREE, 2, command.put({ key: bytes("b"), value: bytes("2") }));
    world.pass(100);
    expect(world.auditor(ONE).findings.agreements).toBeGreaterThan(before);
    expect(world.auditor(ONE).findings.disagreements).toBe(0);
  });

  test("stop nobody without a majority; after a while they say so, until it can be judged", () => {
    const world = new World();
    world.silent.add(THREE);
    world.put("a", "good", [ONE, THREE]);
    world.applyOn(TWO, 1, command.put({ key: bytes("a"), value: bytes("evil") }));
    world.pass(2_000);
    expect(world.auditor(ONE).findings.dispute).toBeUndefined();
    world.pass(AUDIT_DISPUTE_MS + 2_000);
    expect(world.auditor(ONE).findings.dispute?.hashes.size).toBe(2);
    expect(world.stopped.size).toBe(0);
    const alarms = world.logged.filter((line) => line.includes("no majority can say"));
    expect(alarms).toHaveLength(2);
    world.silent.delete(THREE);
    world.pass(3_000);
    expect(world.named(ONE)).toEqual([TWO]);
    expect(world.auditor(ONE).findings.dispute).toBeUndefined();
    expect([...world.stopped.keys()]).toEqual([TWO]);
  });

  test("hear a member again that has begun anew, and forget one that has left", () => {
    const world = new World();
    world.put("a", "good", [ONE, TWO]);
    world.applyOn(THREE, 1, command.put({ key: bytes("a"), value: bytes("evil") }));
    world.pass(3_000);
    expect(world.named(ONE)).toEqual([THREE]);
    world.states.set(THREE, reload(world.state(ONE).dump()));
    for (const id of [ONE, TWO]) world.auditor(id).renewed(THREE);
    world.pass(3_000);
    expect(world.named(ONE)).toEqual([]);
    expect(world.named(TWO)).toEqual([]);
  });
});
