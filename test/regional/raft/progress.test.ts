import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inflights } from "../../../regional/raft/inflights.js";
import { Progress } from "../../../regional/raft/progress.js";

fc.configureGlobal({ seed: 1 });

describe("inflights", () => {
  test("behaves like a list of (index, bytes) with two bounds", () => {
    const action = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 3 }), bytes: fc.nat({ max: 40 }) }),
      fc.record({ free: fc.nat({ max: 4 }) }),
      fc.constant({ reset: true }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(action, { maxLength: 60 }),
        (maxCount, maxBytes, actions) => {
          const inflights = new Inflights(maxCount, maxBytes);
          let model: { index: number; bytes: number }[] = [];
          let last = 0;
          for (const step of actions) {
            const sum = model.reduce((total, item) => total + item.bytes, 0);
            const full = model.length === maxCount || sum >= maxBytes;
            expect(inflights.full()).toBe(full);
            if ("add" in step && !full) {
              last += step.add;
              inflights.add(last, step.bytes);
              model.push({ index: last, bytes: step.bytes });
            } else if ("free" in step) {
              const through = model[step.free]?.index ?? 0;
              inflights.freeThrough(through);
              model = model.filter(({ index }) => index > through);
            } else if ("reset" in step) {
              inflights.reset();
              model = [];
            }
            expect(inflights.count).toBe(model.length);
          }
        },
      ),
    );
  });

  test("one message may overshoot the bound in bytes, a second may not follow", () => {
    const inflights = new Inflights(10, 100);
    inflights.add(1, 500);
    expect(inflights.full()).toBe(true);
    expect(() => inflights.add(2, 1)).toThrow(/full window/);
    inflights.freeThrough(1);
    expect(inflights.full()).toBe(false);
  });
});

describe("progress", () => {
  const progress = (): Progress => new Progress(2, false, 11, 3, 1000);

  test("a probe waits after one append until it is acknowledged or a heartbeat comes back", () => {
    const node = progress();
    expect(node.isPaused()).toBe(false);
    node.sentEntries(1, 10);
    expect(node.isPaused()).toBe(true);
    expect(node.next).toBe(11);
    expect(node.acknowledge(11)).toBe(true);
    expect(node.isPaused()).toBe(false);
    expect([node.match, node.next]).toEqual([11, 12]);
  });

  test("replication runs ahead until the window is full", () => {
    const node = progress();
    node.becomeReplicate();
    for (let i = 0; i < 3; i++) {
      expect(node.isPaused()).toBe(false);
      node.sentEntries(2, 10);
    }
    expect(node.isPaused()).toBe(true);
    expect(node.next).toBe(7);
    node.inflights.freeThrough(2);
    node.acknowledge(2);
    expect(node.isPaused()).toBe(false);
  });

  test("a refusal moves next back: to match + 1 when replicating, to the hint when probing", () => {
    const node = progress();
    node.match = 5;
    node.becomeReplicate();
    node.sentEntries(4, 10);
    expect(node.backOff(5, 3)).toBe(false);
    expect(node.backOff(8, 3)).toBe(true);
    expect(node.next).toBe(6);
    const probe = progress();
    probe.sentEntries(1, 1);
    expect(probe.backOff(9, 3)).toBe(false);
    expect(probe.backOff(10, 3)).toBe(true);
    expect(probe.next).toBe(4);
    expect(probe.isPaused()).toBe(false);
  });

  test("after a snapshot it is probed from the snapshot, after a failed one from match", () => {
    const node = progress();
    node.becomeSnapshot(30);
    expect([node.state, node.isPaused(), node.next]).toEqual(["snapshot", true, 31]);
    node.becomeProbe();
    expect([node.next, node.pendingSnapshot]).toEqual([31, 0]);
    node.becomeSnapshot(40);
    node.pendingSnapshot = 0;
    node.becomeProbe();
    expect(node.next).toBe(1);
  });

  test("a commit index is worth sending only if the node could use it", () => {
    const node = progress();
    node.match = 5;
    node.becomeReplicate();
    expect(node.canBumpCommit(3)).toBe(true);
    node.sentCommit = 3;
    expect(node.canBumpCommit(3)).toBe(false);
    expect(node.canBumpCommit(9)).toBe(true);
    node.sentCommit = 5;
    expect(node.canBumpCommit(9)).toBe(false);
  });

  test("match stays below next, whatever happens", () => {
    const happening = fc.oneof(
      fc.record({ kind: fc.constant("send" as const), n: fc.nat({ max: 5 }) }),
      fc.record({ kind: fc.constant("ack" as const), n: fc.nat({ max: 40 }) }),
      fc.record({ kind: fc.constant("refuse" as const), n: fc.nat({ max: 40 }), hint: fc.nat(40) }),
      fc.record({ kind: fc.constant("snapshot" as const), n: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constantFrom("probe" as const, "replicate" as const), n: fc.nat(1) }),
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const node = progress();
        for (const it of happenings) {
          if (it.kind === "send" && !node.isPaused()) node.sentEntries(it.n, it.n);
          else if (it.kind === "ack") {
            if (node.acknowledge(it.n)) node.inflights.freeThrough(it.n);
          } else if (it.kind === "refuse") node.backOff(it.n, it.hint);
          else if (it.kind === "snapshot" && it.n >= node.match) node.becomeSnapshot(it.n);
          else if (it.kind === "probe") node.becomeProbe();
          else if (it.kind === "replicate") node.becomeReplicate();
          expect(node.match).toBeLessThan(node.next);
          if (node.state !== "replicate") expect(node.inflights.count).toBe(0);
        }
      }),
    );
  });
});
