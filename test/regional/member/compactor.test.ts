import { describe, expect, it } from "vitest";
import type { MemberStorage } from "../../../regional/backend/storage.js";
import { Compactor } from "../../../regional/member/compactor.js";
import {
  LOG_COMPACTION_STEP_ENTRIES,
  LOG_MARGIN_ENTRIES,
  MAX_LOG_RETAINED_BYTES,
} from "../../../shared/limits.js";
import { createLogger } from "../../../shared/log.js";

const MUCH = LOG_MARGIN_ENTRIES + 10 * LOG_COMPACTION_STEP_ENTRIES;

/** A log of MUCH entries, all applied and durable, and the cuts that are made in it. */
function setting() {
  const log = {
    base: { index: 0 },
    retainedBytes: 1000,
    durableIndex: MUCH,
    lastIndex: () => MUCH,
    /** All but the last 100 are too many. */
    indexWithin: () => MUCH - 100,
    compact: (index: number) => {
      log.base = { index };
    },
  };
  let checkpoints = 0;
  const backend = {
    durableAppliedIndex: MUCH,
    checkpoint: async () => ++checkpoints,
  };
  const storage = { log, backend } as unknown as MemberStorage;
  let held: number | undefined;
  const compactor = new Compactor(storage, () => held, createLogger("silent", {}));
  return {
    log,
    backend,
    hold: (index: number | undefined) => {
      held = index;
    },
    cut: () => {
      compactor.tick();
      return log.base.index;
    },
    checkpoints: () => checkpoints,
    compactor,
  };
}

describe("Compactor", () => {
  it("keeps a margin for slow followers", () => {
    const { cut, compactor } = setting();
    expect(cut()).toBe(MUCH - LOG_MARGIN_ENTRIES);
    expect(cut()).toBe(MUCH - LOG_MARGIN_ENTRIES);
    expect(compactor.compactions).toBe(1);
  });

  it("cuts nothing that the state on disk doesn't hold", () => {
    const { cut, backend } = setting();
    backend.durableAppliedIndex = 2 * LOG_COMPACTION_STEP_ENTRIES;
    expect(cut()).toBe(2 * LOG_COMPACTION_STEP_ENTRIES);
  });

  it("keeps what follows a snapshot that is being sent, until it isn't any more", () => {
    const { cut, hold } = setting();
    hold(3 * LOG_COMPACTION_STEP_ENTRIES);
    expect(cut()).toBe(3 * LOG_COMPACTION_STEP_ENTRIES);
    hold(undefined);
    expect(cut()).toBe(MUCH - LOG_MARGIN_ENTRIES);
  });

  it("keeps no more than its bound for anybody, and asks for a checkpoint if it must", () => {
    const { cut, hold, log, backend, checkpoints } = setting();
    hold(10);
    log.retainedBytes = MAX_LOG_RETAINED_BYTES + 1;
    expect(cut()).toBe(MUCH - 100);
    backend.durableAppliedIndex = MUCH - 100;
    log.base = { index: MUCH - 100 };
    cut();
    expect(checkpoints()).toBe(1);
  });
});
