/**
 * DDSketch's bins (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile
 * sketch with relative-error guarantees", 2019): logarithmic, with γ = 2^(1/35), so each
 * value is within (γ − 1)/(γ + 1) = 0.99 % of its bin's.
 *
 * Which bin a value is in goes into roots that all gateways must agree on, so it may not
 * depend on `Math.log`, whose last bits ECMAScript leaves to the engine. With a whole
 * number of bins an octave, the exponent's bits and a comparison with 35 edges decide;
 * the edges come from multiplications, which IEEE 754 rounds in one way only.
 */
const BINS_PER_OCTAVE = 35;
/** 2^(1/35). */
const GAMMA = 1.020001609421199;
/** Magnitudes below 2^-64 are 0; those from 2^64 on are in the last bin. */
const MIN_EXPONENT = -64;
const OCTAVES = 128;
/** Bins on either side of 0; bin 0 is for 0. */
export const BINS = OCTAVES * BINS_PER_OCTAVE;

/** Lower edges of the bins from 1 to 2. */
const EDGES = edges();
/** For each 64th from 1 to 2, the bin that it begins in. */
const FIRST_GUESS = Array.from({ length: 64 }, (_, slot) => lastEdgeUpTo(1 + slot / 64, 0));

const bits = new DataView(new ArrayBuffer(8));

/**
 * The bin of a finite number: 0 for 0, −b for a negative number whose magnitude is in
 * bin b, so bins are in the order of their values.
 */
export function binOf(value: number): number {
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - 1023;
  if (exponent < MIN_EXPONENT) return 0;
  const bin = exponent >= MIN_EXPONENT + OCTAVES ? BINS : within(high, exponent);
  return value < 0 ? -bin : bin;
}

/** The value that stands for a bin: at most 0.99 % from each value in it. */
export function valueOfBin(bin: number): number {
  if (bin === 0) return 0;
  const place = Math.abs(bin) - 1;
  const exponent = Math.floor(place / BINS_PER_OCTAVE) + MIN_EXPONENT;
  const edge = EDGES[place % BINS_PER_OCTAVE] as number;
  const value = 2 ** exponent * edge * ((2 * GAMMA) / (1 + GAMMA));
  return bin < 0 ? -value : value;
}

/** The bin of the positive number that `bits` holds. */
function within(high: number, exponent: number): number {
  bits.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  const mantissa = bits.getFloat64(0);
  const place = lastEdgeUpTo(mantissa, FIRST_GUESS[(high >>> 14) & 63] as number);
  return (exponent - MIN_EXPONENT) * BINS_PER_OCTAVE + place + 1;
}

function lastEdgeUpTo(mantissa: number, from: number): number {
  let place = from;
  while (place + 1 < BINS_PER_OCTAVE && (EDGES[place + 1] as number) <= mantissa) place++;
  return place;
}

function edges(): number[] {
  const result = [1];
  while (result.length < BINS_PER_OCTAVE) result.push((result.at(-1) as number) * GAMMA);
  return result;
}
