import { describe, expect, it } from "vitest";
import { FrameReader, FrameType } from "../../../regional/peer/frame.js";
import {
  decodeProposals,
  decodeRefusal,
  proposalFrames,
  Refusal,
  refusalFrame,
  type WireProposal,
} from "../../../regional/peer/proposal-wire.js";

function payloadsOf(frames: readonly Buffer[], wanted: number): Buffer[] {
  const payloads: Buffer[] = [];
  const reader = new FrameReader((type, payload) => {
    expect(type).toBe(wanted);
    payloads.push(payload);
  });
  for (const frame of frames) reader.push(frame);
  return payloads;
}

describe("forwarded proposals", () => {
  it("travel in one frame", () => {
    const proposals: WireProposal[] = [
      { seq: 2 ** 52, data: new Uint8Array([1, 2, 3]) },
      { seq: 1, data: new Uint8Array(0) },
    ];
    const payloads = payloadsOf(proposalFrames(proposals), FrameType.proposals);
    expect(payloads.map(decodeProposals)).toEqual([proposals]);
  });

  it("travel in several when they are large, none beyond what a member takes", () => {
    const data = new Uint8Array(1_500_000);
    const proposals = Array.from({ length: 40 }, (_, seq) => ({ seq, data }));
    const payloads = payloadsOf(proposalFrames(proposals), FrameType.proposals);
    expect(payloads.length).toBeGreaterThan(5);
    expect(payloads.flatMap((payload) => decodeProposals(payload).map((p) => p.seq))).toEqual(
      proposals.map((p) => p.seq),
    );
  });

  it("are refused by their numbers", () => {
    const [payload = Buffer.alloc(0)] = payloadsOf(
      [refusalFrame(Refusal.tooMany, [5, 2 ** 52])],
      FrameType.proposalsRefused,
    );
    expect(decodeRefusal(payload)).toEqual({ reason: Refusal.tooMany, seqs: [5, 2 ** 52] });
    payload[0] = 9;
    expect(() => decodeRefusal(payload)).toThrow("unknown reason 9");
  });
});
