/** A method, whatever it takes. */
type Method = (...args: never[]) => unknown;

type Methods<T> = { [K in keyof T]: T[K] extends Method ? K : never }[keyof T];

/**
 * Replaces methods of classes for a time. So a mistake can be planted into code
 * that knows nothing of it.
 */
export class Patch {
  readonly #undo: (() => void)[] = [];

  /** Puts in place of a method what `make` makes of it. */
  method<T extends object, K extends Methods<T>>(
    prototype: T,
    name: K,
    make: (original: T[K]) => T[K],
  ): void {
    const before = this.#descriptor(prototype, name);
    this.#define(prototype, name, before, { ...before, value: make(before.value as T[K]) });
  }

  /** Puts everything back. */
  undo(): void {
    for (const undo of this.#undo.toReversed()) undo();
    this.#undo.length = 0;
  }

  #descriptor(prototype: object, name: PropertyKey): PropertyDescriptor {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    if (descriptor === undefined) throw new Error(`there is no ${String(name)} to replace`);
    return descriptor;
  }

  #define(
    prototype: object,
    name: PropertyKey,
    before: PropertyDescriptor,
    after: PropertyDescriptor,
  ): void {
    Object.defineProperty(prototype, name, after);
    this.#undo.push(() => Object.defineProperty(prototype, name, before));
  }
}
