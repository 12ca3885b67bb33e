/**
 * SHA-256: bytes to a binary string of 32 units. Handed in (shared/hash.ts in a
 * process), because a pure core imports nothing of Node's. It must not keep the bytes.
 */
export type HashFunction = (bytes: Uint8Array) => string;

/** Units of a hash; also the bytes that it stands for. */
export const HASH_BYTES = 32;

/** A binary string in lower-case hexadecimal. */
export function toHex(binary: string): string {
  let text = "";
  for (let i = 0; i < binary.length; i++) {
    text += binary.charCodeAt(i).toString(16).padStart(2, "0");
  }
  return text;
}

/** The bytes that hexadecimal digits stand for. */
export function bytesFromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

/** Bytes in lower-case hexadecimal. */
export function hexFromBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
