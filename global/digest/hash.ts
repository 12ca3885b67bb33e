/**
 * SHA-256: bytes to a binary string of 32 units. Handed in (shared/hash.ts in a
 * process), because a pure core imports nothing of Node's. It must not keep the bytes.
 */
export type HashFunction = (bytes: Uint8Array) => string;

/** Units of a hash; also the bytes that it stands for. */
export const HASH_BYTES = 32;

/** A binary string in hexadecimal, for people. */
export function toHex(hash: string): string {
  let text = "";
  for (let i = 0; i < hash.length; i++) text += hash.charCodeAt(i).toString(16).padStart(2, "0");
  return text;
}
