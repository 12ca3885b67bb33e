/**
 * A 64-bit hash of a plain value for sketches, as two unsigned 32-bit halves: two lanes
 * of MurmurHash3's steps (Austin Appleby; x86, 128 bits, first two lanes), crossed
 * after each word and finished by its `fmix32`. Integer arithmetic only, so every
 * machine has the same. Not meant to withstand somebody who looks for collisions.
 *
 * Text is taken as its UTF-16 units, two a word, the last one alone when they are odd;
 * a number as the two words of its big-endian double; a bool as the number 0 or 1. Each
 * kind begins with a seed of its own, so 1, "1" and true are three values.
 */
const SEEDS = { text: 1, number: 2, bool: 3 } as const;

/** Takes both halves, so that no object is made for them. */
type Take<T> = (high: number, low: number) => T;

const double = new DataView(new ArrayBuffer(8));

let a = 0;
let b = 0;

/** The hash of a text, handed to `take`. */
export function hashText<T>(text: string, take: Take<T>): T {
  begin(SEEDS.text);
  const { length } = text;
  const even = length - (length % 2);
  for (let i = 0; i < even; i += 2) step(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
  if (even < length) step(text.charCodeAt(even));
  return finish(length, take);
}

/** The hash of a finite number; −0 is 0. */
export function hashNumber<T>(value: number, take: Take<T>): T {
  begin(SEEDS.number);
  double.setFloat64(0, value + 0);
  step(double.getInt32(0));
  step(double.getInt32(4));
  return finish(8, take);
}

/** The hash of a bool. */
export function hashBool<T>(value: boolean, take: Take<T>): T {
  begin(SEEDS.bool);
  step(value ? 1 : 0);
  return finish(1, take);
}

function begin(seed: number): void {
  a = seed;
  b = seed;
}

function step(word: number): void {
  a ^= Math.imul(rotate(Math.imul(word, 0x239b961b), 15), 0xab0e9789);
  a = (Math.imul(rotate(a, 19) + b, 5) + 0x561ccd1b) | 0;
  b ^= Math.imul(rotate(Math.imul(word, 0xab0e9789), 16), 0x38b34ae5);
  b = (Math.imul(rotate(b, 17) + a, 5) + 0x0bcaa747) | 0;
}

function finish<T>(length: number, take: Take<T>): T {
  a ^= length;
  b ^= length;
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = avalanche(a);
  b = avalanche(b);
  a = (a + b) | 0;
  b = (b + a) | 0;
  return take(a >>> 0, b >>> 0);
}

function avalanche(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
