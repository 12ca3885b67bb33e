import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import type { Attestation } from "../../../global/digest/attestation.js";
import type { Transfer } from "../../../global/digest/delta.js";
import { GlobalState } from "../../../global/digest/global-state.js";
import {
  decodeAttestation,
  decodeOrder,
  encodeAttestation,
  encodeOrder,
} from "../../../global/digest/wire-trust.js";
import { AttestationSchema, OrderSchema } from "../../../shared/gen/atoll/digest/v1/digest_pb.js";
import { sha256 } from "../../../shared/hash.js";
import { QUARANTINE_AFTER_FAILURES } from "../../../shared/limits.js";
import { TestKeys } from "../trust/keys.js";
import { forget, groupsOf, History, incarnation, nonce, usEast, wordOf } from "./model.js";

/** Where regions sign, nothing is taken of a region but by its own word. */
const keys = new TestKeys(["us-east", "eu-west"]);
afterAll(() => keys.remove());
const ID = usEast().id;

/** What a region's own gateway holds after its fold has published up to a revision. */
function origin(history: History, revision: number, region = "us-east"): GlobalState {
  const state = new GlobalState(sha256, keys.keyring(region));
  expect(state.publish(history.publication(undefined, revision)).kind).toBe("applied");
  return state;
}

/** What a holder sends of a section. */
function sent(state: GlobalState): Transfer {
  const transfer = state.transferSince(ID, undefined);
  if (transfer === undefined) throw new Error("there is nothing to send");
  return { ...transfer, attestation: state.words.of(ID) };
}

function holder(): GlobalState {
  return new GlobalState(sha256, keys.keyring("eu-west"));
}

function overTheWire(word: Attestation): Attestation {
  const bytes = toBinary(AttestationSchema, encodeAttestation(word));
  return decodeAttestation(fromBinary(AttestationSchema, bytes), "attestation");
}

function wordIn(transfer: Transfer): Attestation {
  if (transfer.attestation === undefined) throw new Error("it has no attestation");
  return transfer.attestation;
}

describe("a section", () => {
  test("is taken by its region's word, over the wire and through a relay", () => {
    const state = origin(usEast(), 5);
    state.words.lineage = { counter: 3, nonce: "0123456789abcdef", revision: 4 };
    const first = sent(state);
    const relay = holder();
    const attestation = overTheWire(wordIn(first));
    expect(attestation.lineage).toEqual(state.words.lineage);
    expect(relay.receive({ ...first, attestation }).kind).toBe("applied");
    const last = holder();
    expect(last.receive(sent(relay)).kind).toBe("applied");
    expect(wordIn(sent(last))).toEqual(attestation);
    expect(groupsOf(last.section(ID))).toEqual(usEast().groups(5));
  });

  const good = sent(origin(usEast(), 5));
  const word = wordIn(good);
  const west = sent(origin(usEast(), 5, "eu-west"));
  const BAD: [string, string, Transfer][] = [
    ["that isn't signed", "unsigned", { ...good, attestation: undefined }],
    [
      "whose signature is empty",
      "unsigned",
      { ...good, attestation: { ...word, signature: new Uint8Array(0) } },
    ],
    ["signed by another region", "unknown-key", west],
    [
      "signed by another region in this one's name",
      "forged",
      { ...good, attestation: { ...wordIn(west), keyId: word.keyId } },
    ],
    [
      "with a signature of another one of its contents",
      "unsigned",
      { ...sent(origin(usEast(), 6)), attestation: word },
    ],
    [
      "with a signature over another content of the same version",
      "unsigned",
      { ...good, attestation: { ...word, sections: [] } },
    ],
    [
      "whose attestation was altered",
      "forged",
      {
        ...good,
        attestation: { ...word, lineage: { counter: 9, nonce: "ff".repeat(8), revision: 9 } },
      },
    ],
  ];
  test.each(BAD)("%s is refused as %s, and again and again quarantined", (_what, reason, bad) => {
    const state = holder();
    expect(state.receive(bad)).toMatchObject({ kind: "refused", reason });
    expect(state.region("us-east")).toBeUndefined();
    const before = sent(origin(usEast(), 3));
    expect(state.receive(before).kind).toBe("applied");
    for (let i = 0; i < QUARANTINE_AFTER_FAILURES; i++) {
      expect(state.receive(bad)).toMatchObject({ kind: "refused", reason });
    }
    expect(state.region("us-east")?.fault("machines")?.quarantined).toBe(true);
    expect(groupsOf(state.section(ID))).toEqual(usEast().groups(3));
    expect(state.receive(good).kind).toBe("applied");
    expect(state.region("us-east")?.fault("machines")).toBeUndefined();
  });

  test("of an old version changes nothing, however well it is signed", () => {
    const state = holder();
    state.receive(good);
    expect(state.receive(sent(origin(usEast(), 3)))).toEqual({ kind: "known" });
    expect(groupsOf(state.section(ID))).toEqual(usEast().groups(5));
  });
});

describe("what a peer says alone", () => {
  const twin = usEast({ incarnation: incarnation(1, "c") });

  test("freezes nothing: a conflict takes both lives' own word", () => {
    const state = holder();
    state.receive(sent(origin(usEast(), 5)));
    expect(state.receive({ ...sent(origin(twin, 6)), attestation: undefined })).toMatchObject({
      reason: "unsigned",
    });
    expect(state.witness(wordOf(twin))).toBe(false);
    expect(state.region("us-east")?.nonces).toEqual([nonce("a")]);
    expect(state.witness(wordIn(sent(origin(twin, 6))))).toBe(true);
    expect(state.region("us-east")?.nonces).toEqual([nonce("a"), nonce("c")]);
    // It can be proved to others.
    const other = holder();
    other.receive(sent(origin(twin, 3)));
    for (const proof of state.words.evidence()) other.witness(overTheWire(proof));
    expect(other.region("us-east")?.nonces).toEqual([nonce("a"), nonce("c")]);
  });

  test("removes nothing: orders are signed by operators", () => {
    const state = holder();
    state.receive(sent(origin(usEast(), 5)));
    const statement = forget("us-east", 1);
    expect(state.obey(statement)).toBe("unsigned");
    const order = keys.order(statement);
    expect(state.obey({ ...order, region: "eu-west" })).toBe("forged");
    expect(state.obey({ ...order, keyId: wordIn(sent(state)).keyId })).toBe("unknown-key");
    expect(state.region("us-east")).toBeDefined();
    const bytes = toBinary(OrderSchema, encodeOrder(order));
    expect(state.obey(decodeOrder(fromBinary(OrderSchema, bytes), "order"))).toBe("news");
    expect(state.region("us-east")).toBeUndefined();
    expect([...state.orders()].map(({ keyId }) => keyId)).toEqual([order.keyId]);
  });
});

describe("on the wire", () => {
  const message = () => encodeAttestation(wordIn(sent(origin(usEast(), 5))));
  const order = () => encodeOrder(keys.order(forget("us-east", 1)));
  const BAD: [string, () => unknown][] = [
    ["a.region", () => decodeAttestation({ ...message(), region: "US" }, "a")],
    [
      "a.incarnation is missing",
      () => decodeAttestation(create(AttestationSchema, { region: "x" }), "a"),
    ],
    ["a.signature", () => decodeAttestation({ ...message(), signature: new Uint8Array(300) }, "a")],
    ["o.kind", () => decodeOrder({ ...order(), kind: 0 }, "o")],
    ["o.counter", () => decodeOrder({ ...order(), counter: 0n }, "o")],
    ["o.nonce", () => decodeOrder({ ...order(), nonce: new Uint8Array(16) }, "o")],
  ];
  test.each(BAD)("%s is named when it is wrong", (what, decode) => {
    expect(decode).toThrow(what);
  });
});

test("a life out of turn is one to adopt only if its region has signed it", () => {
  const state = holder();
  state.receive(sent(origin(usEast(), 5)));
  const later = usEast({ incarnation: incarnation(7, "b") });
  const transfer = sent(origin(later, 7));
  const forged = { ...transfer, attestation: undefined };
  for (let i = 0; i < QUARANTINE_AFTER_FAILURES; i++) {
    expect(state.receive(forged)).toMatchObject({ kind: "refused", reason: "unsigned" });
  }
  expect(state.region("us-east")?.fault("machines")?.message).not.toContain("adopt");
  expect(state.receive(transfer)).toMatchObject({
    kind: "refused",
    reason: "jump",
    message: expect.stringContaining(`atoll region adopt us-east ${nonce("b")}`),
  });
});

test("a report counts by its region's signature over its very bytes", () => {
  const report = Uint8Array.of(1, 2, 3);
  const signed = new GlobalState(sha256, keys.keyring("us-east")).signReport(report);
  const state = holder();
  const distrust = (of: string, own: typeof signed, bytes: Uint8Array) =>
    state.distrustReport(of, own, bytes);
  expect(distrust("us-east", signed, report)).toBeUndefined();
  expect(distrust("us-east", signed, Uint8Array.of(1, 2, 4))).toBe("forged");
  expect(distrust("eu-west", signed, report)).toBe("unknown-key");
  const nobody = { signature: new Uint8Array(0), keyId: "" };
  expect(distrust("us-east", nobody, report)).toBe("unsigned");
  // What is signed as something else is no report.
  const bare = { ...signed, ...keys.keyring("us-east").sign(report) };
  expect(distrust("us-east", bare, report)).toBe("forged");
});
