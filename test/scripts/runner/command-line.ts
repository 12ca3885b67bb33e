/** A word of a command line: `key`, `key=value` or `key=(value,value)`. */
export interface Argument {
  readonly key: string;
  /** null for a word without `=`; an option without values has an empty list. */
  readonly values: readonly string[] | null;
}

const WORD = /^[^\s=()]+/;
const LIST = /^=\(([^()]*)\)(?=\s|$)/;
const VALUE = /^=([^\s()]*)(?=\s|$)/;

function splitList(text: string): string[] {
  return text.trim() === "" ? [] : text.split(",").map((value) => value.trim());
}

/** Takes one word off the front of `text`, which begins with it; null if it is malformed. */
function takeWord(text: string): { readonly argument: Argument; readonly rest: string } | null {
  const key = WORD.exec(text)?.[0];
  if (key === undefined) return null;
  const rest = text.slice(key.length);
  const list = LIST.exec(rest);
  if (list !== null) {
    const values = splitList(list[1] ?? "");
    return { argument: { key, values }, rest: rest.slice(list[0].length) };
  }
  const value = VALUE.exec(rest);
  if (value !== null) {
    return { argument: { key, values: [value[1] ?? ""] }, rest: rest.slice(value[0].length) };
  }
  if (rest !== "" && !/^\s/.test(rest)) return null;
  return { argument: { key, values: null }, rest };
}

/**
 * Splits a command line such as `add-nodes 3 voters=(1,2,3) index=2`.
 * @throws what `fail` makes of a sentence that names the malformed word
 */
export function parseCommandLine(
  line: string,
  fail: (problem: string) => Error,
): { readonly command: string; readonly args: readonly Argument[] } {
  const words: Argument[] = [];
  let rest = line;
  while (rest !== "") {
    const taken = takeWord(rest);
    if (taken === null) {
      throw fail(`"${rest}" is malformed; a word is name, name=value or name=(value,value)`);
    }
    words.push(taken.argument);
    rest = taken.rest.trimStart();
  }
  const [first, ...args] = words;
  if (first === undefined || first.values !== null) throw fail(`"${line}" begins with no command`);
  return { command: first.key, args };
}
