import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeKeyFiles } from "../../../global/trust/key-files.js";
import { Keyring } from "../../../global/trust/keyring.js";
import { TestKeys } from "./keys.js";

const STATEMENT = Buffer.from("something that was said");

let keys: TestKeys;
beforeEach(() => {
  keys = new TestKeys(["east", "west"]);
});
afterEach(() => keys.remove());

function pem(kind: "public" | "private"): string {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  if (kind === "public") return publicKey.export({ type: "spki", format: "pem" }).toString();
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

test("what one region signs others can tell from what it didn't", () => {
  const [east, west] = [keys.keyring("east"), keys.keyring("west")];
  const signed = east.sign(STATEMENT);
  expect(west.verify("east", signed, STATEMENT)).toBeUndefined();
  expect(west.verify("west", signed, STATEMENT)).toBe("unknown-key");
  expect(west.verify("mars", signed, STATEMENT)).toBe("unknown-key");
  expect(west.verify("east", signed, Buffer.from("something else"))).toBe("forged");
  const empty = { signature: new Uint8Array(0), keyId: signed.keyId };
  expect(west.verify("east", empty, STATEMENT)).toBe("forged");
});

test("keys are exchanged without a moment in which nobody is believed", () => {
  const west = keys.keyring("west");
  const before = keys.keyring("east").sign(STATEMENT);
  const next = new TestKeys(["east"]);
  try {
    const file = join(keys.files.trust, "east.pem");
    appendFileSync(file, readFileSync(join(next.files.trust, "east.pem")));
    expect(west.refresh()).toBe(true);
    expect(west.refresh()).toBe(false);
    copyFileSync(next.files.signingKey("east"), keys.files.signingKey("east"));
    const after = keys.keyring("east").sign(STATEMENT);
    for (const signed of [before, after]) {
      expect(west.verify("east", signed, STATEMENT)).toBeUndefined();
    }
    copyFileSync(join(next.files.trust, "east.pem"), file);
    expect(west.refresh()).toBe(true);
    expect(west.verify("east", before, STATEMENT)).toBe("unknown-key");
    expect(west.verify("east", after, STATEMENT)).toBeUndefined();
  } finally {
    next.remove();
  }
});

test("a file that makes no sense is named, and the keys that were there go on to count", () => {
  const west = keys.keyring("west");
  const signed = keys.keyring("east").sign(STATEMENT);
  const file = join(keys.files.trust, "east.pem");
  for (const [text, message] of [
    ["", "has no public key in PEM"],
    [pem("private"), "has a private key in it"],
    [pem("public").replace(/\n.{10}/, "\n??????????"), "is not a public key"],
    [pem("public").repeat(17), "has 17 keys; at most 16"],
  ] as const) {
    writeFileSync(file, text);
    expect(() => west.refresh()).toThrow(message);
    expect(() => keys.keyring("west")).toThrow(file);
  }
  expect(west.verify("east", signed, STATEMENT)).toBeUndefined();
});

test("a signing key that nobody would believe is refused at once", () => {
  const { trust, signingKey } = keys.files;
  const open = (file: string) => () =>
    new Keyring({ folder: trust, signingKey: file, region: "east" });
  expect(open(signingKey("west"))).toThrow(/--signing-key: .* is none of the keys of east/);
  expect(open(join(trust, "east.pem"))).toThrow("is not a private key");
  expect(open("/nowhere/key.pem")).toThrow("--signing-key: can't read /nowhere/key.pem");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const file = join(keys.folder, "rsa.pem");
  writeFileSync(file, rsa.export({ type: "pkcs8", format: "pem" }));
  expect(open(file)).toThrow("a key of kind rsa; it must be Ed25519");
  const missing = { folder: "/nowhere", signingKey: signingKey("east"), region: "east" };
  expect(() => new Keyring(missing)).toThrow("--trust: can't read /nowhere");
});

test("keys that are made are kept, and private ones are nobody else's to read", () => {
  const { operatorKey, signingKey } = keys.files;
  const before = readFileSync(operatorKey, "utf8");
  makeKeyFiles(keys.folder, ["east", "north"]);
  expect(readFileSync(operatorKey, "utf8")).toBe(before);
  expect(statSync(signingKey("north")).mode & 0o077).toBe(0);
  expect(keys.keyring("north").size).toBe(4);
});
