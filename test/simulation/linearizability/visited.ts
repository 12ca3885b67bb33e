/** Spreads an operation's number over 32 bits, so that xor of many tells sets apart. */
function spread(operation: number): number {
  let word = Math.imul(operation + 1, 0x9e37_79b1);
  word = Math.imul(word ^ (word >>> 15), 0x85eb_ca6b);
  return (word ^ (word >>> 13)) | 0;
}

/** A set of operations, and its hash, kept up to date as operations come and go. */
export class OperationSet {
  readonly bits: Uint32Array;
  hash = 0;

  constructor(operations: number) {
    this.bits = new Uint32Array((operations + 31) >>> 5);
  }

  has(operation: number): boolean {
    return (((this.bits[operation >>> 5] as number) >>> (operation & 31)) & 1) === 1;
  }

  /** Puts an operation in, or takes it out if it is there. */
  toggle(operation: number): void {
    const word = operation >>> 5;
    this.bits[word] = ((this.bits[word] as number) ^ (1 << (operation & 31))) >>> 0;
    this.hash ^= spread(operation);
  }
}

interface Visit<State> {
  readonly bits: Uint32Array;
  readonly state: State;
}

/** The (operations done, state) pairs that a search has been at: Lowe's addition to it. */
export class Visited<State> {
  readonly #visits = new Map<number, Visit<State>[]>();

  /** Remembers a pair; false if it was known. */
  add(done: OperationSet, state: State): boolean {
    const known = this.#visits.get(done.hash);
    const visit = { bits: done.bits.slice(), state };
    if (known === undefined) {
      this.#visits.set(done.hash, [visit]);
      return true;
    }
    for (const { bits, state: before } of known) {
      if (before === state && bits.every((word, i) => word === done.bits[i])) return false;
    }
    known.push(visit);
    return true;
  }
}
