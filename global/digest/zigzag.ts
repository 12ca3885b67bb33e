/** Integers as naturals, small ones first: 0, -1, 1, -2, … become 0, 1, 2, 3, … */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** The integer that `zigzag` makes a natural of. */
export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** What `zigzag` can take without leaving the safe integers. */
export const MAX_ZIGZAG = 2 ** 52 - 1;
