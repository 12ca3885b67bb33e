import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { GlobalState } from "../../../../global/digest/global-state.js";
import type { SectionId } from "../../../../global/digest/section.js";
import { TransferAssembler } from "../../../../global/digest/transfer-assembler.js";
import { Outbox } from "../../../../global/mesh/core/outbox.js";
import { SyncResponseSchema } from "../../../../shared/gen/atoll/mesh/v1/mesh_pb.js";
import { sha256 } from "../../../../shared/hash.js";
import {
  MAX_MESH_FRAME_BYTES,
  MAX_TRANSFERS_IN_PROGRESS,
  MESH_PUSH_INTERVAL_MS,
  MESH_VECTOR_CLAIMS,
} from "../../../../shared/limits.js";
import { cells, groupKey, SCHEMA, version } from "../../digest/model.js";

/** A sender begins no more, and no larger things, than its receiver gathers. */

const SUMMARIES = MAX_TRANSFERS_IN_PROGRESS + 20;

function publish(state: GlobalState, summary: string, groups: number, bytes = 100): SectionId {
  const id = { region: "away", summary };
  const changes = new Map(
    Array.from({ length: groups }, (_, i) => [groupKey(`${i}${"x".repeat(bytes)}`), cells(i % 9)]),
  );
  state.publish({ id, to: version(3), from: undefined, schema: SCHEMA, changes });
  return id;
}

function outboxOf(state: GlobalState): Outbox {
  const standing = (): undefined => undefined;
  return new Outbox({ state, standing, pushIntervalMs: MESH_PUSH_INTERVAL_MS });
}

test("more large sections than a receiver gathers arrive all the same", () => {
  const origin = new GlobalState(sha256);
  const receiver = new GlobalState(sha256);
  for (let i = 0; i < SUMMARIES; i++) publish(origin, `s${i}`, 1_000);
  const outbox = outboxOf(origin);
  outbox.setInterest(new Set(["away"]), []);
  const assembler = new TransferAssembler();
  const begun = new Set<string>();
  let most = 0;
  let arrived = 0;
  for (let ms = 0; arrived < SUMMARIES; ms += MESH_PUSH_INTERVAL_MS) {
    const bytes = outbox.frame({ monotonicMs: ms, ageMs: ms });
    if (bytes === undefined) throw new Error(`only ${arrived} of ${SUMMARIES} arrived`);
    expect(bytes.length).toBeLessThanOrEqual(MAX_MESH_FRAME_BYTES);
    for (const chunk of fromBinary(SyncResponseSchema, bytes).chunks) {
      const transfer = assembler.add(chunk);
      begun.add(chunk.summary);
      most = Math.max(most, begun.size);
      if (transfer === undefined) continue;
      begun.delete(chunk.summary);
      expect(receiver.receive(transfer).kind).toBe("applied");
      arrived++;
    }
  }
  expect(most).toBeGreaterThan(10);
  expect(most).toBeLessThanOrEqual(MAX_TRANSFERS_IN_PROGRESS);
});

test("of what isn't here not any number of versions is kept for a receiver", () => {
  const state = new GlobalState(sha256);
  const outbox = outboxOf(state);
  const held = Array.from({ length: MESH_VECTOR_CLAIMS + 10 }, (_, i) => ({
    id: { region: "away", summary: `s${i}` },
    version: version(3),
    root: "r".repeat(32),
  }));
  outbox.setInterest(new Set(["away"]), held);
  for (const summary of ["s0", `s${MESH_VECTOR_CLAIMS}`]) outbox.moved(publish(state, summary, 1));
  const bytes = outbox.frame({ monotonicMs: 1e6, ageMs: 1e6 });
  const chunks = fromBinary(SyncResponseSchema, bytes ?? new Uint8Array(0)).chunks;
  expect(chunks.map(({ summary }) => summary)).toEqual([`s${MESH_VECTOR_CLAIMS}`]);
});
