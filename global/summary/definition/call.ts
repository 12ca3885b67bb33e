/** One argument of a measure, and where its text begins in the measure's. */
export interface Argument {
  /** Of `scale=3`, `scale`; undefined for an expression. */
  readonly name: string | undefined;
  readonly text: string;
  readonly offset: number;
}

/** A measure as written: `sum(value.cpu_free, scale=3)`. */
export interface Call {
  readonly kind: string;
  readonly args: readonly Argument[];
}

const CALL = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*\(/;
const NAMED = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)\s*/;
const OPENING = "([{";
const CLOSING = ")]}";

/**
 * Takes a measure apart: its kind, its CEL expressions, and its options, which are
 * written `name=value` (CEL itself has no `=`, so nothing is ambiguous). Undefined
 * when the text isn't a call.
 */
export function parseCall(text: string): Call | undefined {
  const head = CALL.exec(text);
  if (head === null) return undefined;
  const start = head[0].length;
  const pieces = split(text, start);
  if (pieces === undefined || text.slice(pieces.end).trim() !== "") return undefined;
  const isEmpty = pieces.args.length === 1 && pieces.args[0]?.text.trim() === "";
  return { kind: head[1] as string, args: isEmpty ? [] : pieces.args.map(toArgument) };
}

function toArgument({ text, offset }: { text: string; offset: number }): Argument {
  const named = NAMED.exec(text);
  const lead = named?.[0].length ?? text.length - text.trimStart().length;
  return { name: named?.[1], text: text.slice(lead).trimEnd(), offset: offset + lead };
}

interface Pieces {
  readonly args: readonly { text: string; offset: number }[];
  /** Offset behind the closing parenthesis. */
  readonly end: number;
}

/** Splits at the commas that are in no bracket and no string; undefined if it never closes. */
function split(text: string, start: number): Pieces | undefined {
  const args: { text: string; offset: number }[] = [];
  let depth = 0;
  let from = start;
  for (let i = start; i < text.length; i++) {
    const char = text[i] as string;
    if (char === '"' || char === "'") {
      i = endOfString(text, i) - 1;
    } else if (OPENING.includes(char)) {
      depth++;
    } else if (char === "," && depth === 0) {
      args.push({ text: text.slice(from, i), offset: from });
      from = i + 1;
    } else if (CLOSING.includes(char) && depth-- === 0) {
      args.push({ text: text.slice(from, i), offset: from });
      return { args, end: i + 1 };
    }
  }
  return undefined;
}

/** The offset behind a CEL string literal that begins at `at`; the text's end if it never ends. */
function endOfString(text: string, at: number): number {
  const quote = text[at] as string;
  const delimiter = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
  const isRaw = /[rR][bB]?$/.test(text.slice(0, at)) && !/\w[rR][bB]?$/.test(text.slice(0, at));
  for (let i = at + delimiter.length; i < text.length; i++) {
    if (!isRaw && text[i] === "\\") i++;
    else if (text.startsWith(delimiter, i)) return i + delimiter.length;
  }
  return text.length;
}
