import type { ValueCode } from "../../digest/values/value-code.js";

/**
 * The values that rows keep, each once, by number; one goes with the last row that
 * keeps it. A number may then mean another value.
 */
export class ValueTable {
  readonly #numbers = new Map<ValueCode, number>();
  readonly #codes: ValueCode[] = [];
  readonly #copies: number[] = [];
  readonly #free: number[] = [];

  /** A value's number; -1 when no row keeps it. */
  find(code: ValueCode): number {
    return this.#numbers.get(code) ?? -1;
  }

  /** The value of a number that a row keeps. */
  code(number: number): ValueCode {
    return this.#codes[number] as ValueCode;
  }

  /** One more row keeps a value; its number. */
  take(code: ValueCode): number {
    const known = this.#numbers.get(code);
    if (known !== undefined) {
      this.#copies[known] = (this.#copies[known] as number) + 1;
      return known;
    }
    const number = this.#free.pop() ?? this.#codes.length;
    this.#numbers.set(code, number);
    this.#codes[number] = code;
    this.#copies[number] = 1;
    return number;
  }

  /** One row less keeps a value; true when it was the last. */
  release(number: number): boolean {
    const copies = (this.#copies[number] as number) - 1;
    this.#copies[number] = copies;
    if (copies > 0) return false;
    this.#numbers.delete(this.code(number));
    this.#codes[number] = "";
    this.#free.push(number);
    return true;
  }
}
