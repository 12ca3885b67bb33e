/**
 * Keys are byte strings. Inside the stores they are held as "binary strings", one
 * UTF-16 unit a byte: V8 keeps those in one byte a character, hashes them once,
 * and compares them in byte order.
 */
export type BinaryKey = string;

/** The bytes as a binary string. */
export function toBinaryKey(bytes: Uint8Array): BinaryKey {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The bytes of a binary string, in memory of their own. */
export function fromBinaryKey(key: BinaryKey): Uint8Array {
  return Uint8Array.from(Buffer.from(key, "latin1"));
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of UTF-8 bytes; malformed sequences become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** A Buffer over the same memory, for APIs that need one; nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The first key after all keys that begin with `prefix`, as etcd's clients compute
 * a range end; a single zero byte ("to the end") when there is none.
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i] as number;
    if (byte < 0xff) {
      const end = prefix.slice(0, i + 1);
      end[i] = byte + 1;
      return end;
    }
  }
  return new Uint8Array(1);
}
