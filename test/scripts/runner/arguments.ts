import type { Argument } from "./command-line.js";
import { type Directive, scriptError } from "./script.js";

/** An error about a command that is none of `known`. */
export function unknownCommand(directive: Directive, known: Iterable<string>): Error {
  const there = [...known].join(", ");
  return scriptError(directive.place, `${directive.command}: unknown command; there are ${there}`);
}

/**
 * The arguments of one command, read with checks: every error names file, line and what
 * would be right.
 */
export class Arguments {
  readonly #directive: Directive;
  readonly #words: readonly string[];
  readonly #options = new Map<string, readonly string[]>();

  /** `options` are the names that the command knows. */
  constructor(directive: Directive, options: readonly string[]) {
    this.#directive = directive;
    const words: string[] = [];
    for (const { key, values } of directive.args) {
      if (values === null) {
        words.push(key);
        continue;
      }
      if (!options.includes(key)) {
        const known = options.length === 0 ? "it takes none" : `it takes ${options.join(", ")}`;
        throw this.fail(`unknown option ${key}; ${known}`);
      }
      if (this.#options.has(key)) throw this.fail(`option ${key} is given twice`);
      this.#options.set(key, values);
    }
    this.#words = words;
  }

  /** An error about this command. */
  fail(problem: string): Error {
    return scriptError(this.#directive.place, `${this.#directive.command}: ${problem}`);
  }

  /** All arguments in the order in which they were given. */
  get inOrder(): readonly Argument[] {
    return this.#directive.args;
  }

  /** The words without `=`; their number must be in [least, most]. */
  words(least: number, most: number, what: string): readonly string[] {
    const { length } = this.#words;
    if (length < least || length > most) {
      throw this.fail(`it has ${length} plain arguments; it takes ${what}`);
    }
    return this.#words;
  }

  /** The words without `=` as whole numbers. */
  numbers(least: number, most: number, what: string): readonly number[] {
    return this.words(least, most, what).map((word) => this.toNumber(word, what));
  }

  has(name: string): boolean {
    return this.#options.has(name);
  }

  list(name: string): readonly string[] {
    return this.#options.get(name) ?? [];
  }

  numberList(name: string): number[] {
    return this.list(name).map((value) => this.toNumber(value, name));
  }

  /** The one value of an option; undefined if it is not given. */
  value(name: string): string | undefined {
    const values = this.#options.get(name);
    if (values === undefined) return undefined;
    const [value] = values;
    if (value === undefined || values.length > 1) throw this.fail(`${name} takes one value`);
    return value;
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : this.toNumber(value, name);
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (/^(true|t|1)$/i.test(value)) return true;
    if (/^(false|f|0)$/i.test(value)) return false;
    throw this.fail(`${name} is "${value}"; it must be true or false`);
  }

  toNumber(text: string, what: string): number {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) {
      throw this.fail(`"${text}" is no whole number (${what})`);
    }
    return value;
  }
}
