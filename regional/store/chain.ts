/** Version of the function and of what is absorbed of an entry; values of two versions can't be compared. */
export const CHAIN_VERSION = 1;

/** The chain's value before the first entry. */
export const CHAIN_START = "9e3779b185ebca77c2b2ae3d27d4eb2f";

const PRIME_1 = 0x9e37_79b1 | 0;
const PRIME_2 = 0x85eb_ca77 | 0;
const BLOCK_BYTES = 16;
const VALUE = /^[0-9a-f]{32}$/;

/** Whether something is a value of the chain as `HashChain.value` gives it. */
export function isChainValue(value: unknown): value is string {
  return typeof value === "string" && VALUE.test(value);
}

/** One lane takes one word; it can be undone, so no difference in a word is lost. */
function lane(before: number, word: number): number {
  const sum = (before + Math.imul(word, PRIME_2)) | 0;
  return Math.imul((sum << 13) | (sum >>> 19), PRIME_1);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}

/**
 * A hash chain: 128 bits that depend on all that was absorbed since the first entry and on
 * its order, and that can be continued from their text. Members that absorbed the same have
 * the same value; one that ever absorbed something else doesn't have it again.
 *
 * Four 32-bit lanes take a word each, by the step of xxHash32, and are then stirred together
 * by ChaCha's quarter round; both can be undone, so what differs once goes on to differ. It
 * finds accidents and faults. It is no defence against somebody who makes entries collide on
 * purpose, who could as well write what he likes.
 */
export class HashChain {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** Goes on from a value that isChainValue has passed. */
  constructor(value: string = CHAIN_START) {
    this.#a = Number.parseInt(value.slice(0, 8), 16) | 0;
    this.#b = Number.parseInt(value.slice(8, 16), 16) | 0;
    this.#c = Number.parseInt(value.slice(16, 24), 16) | 0;
    this.#d = Number.parseInt(value.slice(24, 32), 16) | 0;
  }

  /** 32 hexadecimal digits, from which another chain can go on. */
  get value(): string {
    return hex(this.#a) + hex(this.#b) + hex(this.#c) + hex(this.#d);
  }

  /** Absorbs four words, of which 32 bits count each. */
  words(w0: number, w1: number, w2: number, w3: number): void {
    this.#a = lane(this.#a, w0);
    this.#b = lane(this.#b, w1);
    this.#c = lane(this.#c, w2);
    this.#d = lane(this.#d, w3);
    this.#stir();
  }

  /** Absorbs two safe integers. */
  numbers(x: number, y: number): void {
    this.words(x, Math.floor(x / 2 ** 32), y, Math.floor(y / 2 ** 32));
  }

  /** Absorbs two 64-bit integers. */
  int64s(x: bigint, y: bigint): void {
    const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
    this.words(low(x), low(x >> 32n), low(y), low(y >> 32n));
  }

  /** Absorbs bytes and their number. */
  bytes(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.span(view, 0, bytes.length);
  }

  /** As `bytes`, for `length` bytes of a view from `start` on. */
  span(view: DataView, start: number, length: number): void {
    let a = this.#a;
    let b = this.#b ^ length;
    let c = this.#c;
    let d = this.#d;
    const end = start + length;
    const lastBlock = end - BLOCK_BYTES;
    let at = start;
    for (; at <= lastBlock; at += BLOCK_BYTES) {
      a = lane(a, view.getInt32(at, true));
      b = lane(b, view.getInt32(at + 4, true));
      c = lane(c, view.getInt32(at + 8, true));
      d = lane(d, view.getInt32(at + 12, true));
    }
    if (at < end && length >= BLOCK_BYTES) {
      // The last bytes as a whole block, with some of those before them once more.
      a = lane(a, view.getInt32(lastBlock, true));
      b = lane(b, view.getInt32(lastBlock + 4, true));
      c = lane(c, view.getInt32(lastBlock + 8, true));
      d = lane(d, view.getInt32(lastBlock + 12, true));
    } else {
      for (; at < end; at++) a = rotate(lane(a, view.getUint8(at)), 7);
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
    this.#stir();
  }

  /** Absorbs a text, UTF-16 unit by unit, and its length. */
  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#a = rotate(lane(this.#a, text.charCodeAt(i)), 7);
    this.words(text.length, 0, 0, 0);
  }

  #stir(): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    a = (a + b) | 0;
    d = rotate(d ^ a, 16);
    c = (c + d) | 0;
    b = rotate(b ^ c, 12);
    a = (a + b) | 0;
    d = rotate(d ^ a, 8);
    c = (c + d) | 0;
    b = rotate(b ^ c, 7);
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }
}
