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

/** A text cut to at most `maxBytes` of UTF-8, at the boundary of a character, `…` included. */
export function clipText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = Math.max(0, maxBytes - 3);
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString()}…`;
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
