import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { AtollError, errorText } from "../../shared/errors.js";

const PEM_BLOCK = /-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/g;
const KEY_ID_BYTES = 8;

/** A key's name: the first 8 bytes of the SHA-256 of the raw public key, in hexadecimal. */
export function keyId(key: KeyObject): string {
  const { x } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  const raw = Buffer.from(x ?? "", "base64url");
  return createHash("sha256").update(raw).digest().subarray(0, KEY_ID_BYTES).toString("hex");
}

function invalid(message: string, cause?: unknown): AtollError {
  return new AtollError("INVALID_ARGUMENT", message, cause === undefined ? {} : { cause });
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new AtollError("NOT_FOUND", `${what}: can't read ${file}: ${errorText(error)}`, {
      cause: error,
    });
  }
}

function checkKind(key: KeyObject, file: string, what: string): KeyObject {
  if (key.asymmetricKeyType === "ed25519") return key;
  throw invalid(`${what}: ${file} has a key of kind ${key.asymmetricKeyType}; it must be Ed25519`);
}

/**
 * Reads a private key from a PEM file. Throws NOT_FOUND or INVALID_ARGUMENT naming `what`
 * asks for it and the file; never anything of the file's content.
 */
export function readPrivateKey(file: string, what: string): KeyObject {
  const text = read(file, what);
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    throw invalid(`${what}: ${file} is not a private key in PEM, unencrypted`);
  }
  return checkKind(key, file, what);
}

/** Reads the public keys in a PEM file, one or more. Throws as `readPrivateKey` does. */
export function readPublicKeys(file: string, what: string): KeyObject[] {
  const blocks = read(file, what).match(PEM_BLOCK) ?? [];
  if (blocks.length === 0) throw invalid(`${what}: ${file} has no public key in PEM`);
  return blocks.map((block) => {
    // createPublicKey would take a private key's public half, and the secret lie about.
    if (block.includes("PRIVATE")) throw invalid(`${what}: ${file} has a private key in it`);
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch (error) {
      throw invalid(`${what}: ${file} has a block that is not a public key`, error);
    }
    return checkKind(key, file, what);
  });
}
