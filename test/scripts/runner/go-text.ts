/** Texts as Go's `fmt` writes them (`%q`), which the format of the scripts is made of. */

const SHORT: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** Bytes as a quoted string: readable where they are UTF-8 text, escaped where not. */
export function quote(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `"${[...bytes].map((byte) => (byte < 128 ? quoteChar(byte) : hex(byte))).join("")}"`;
  }
  return `"${Array.from(text, (char) => quoteChar(char.codePointAt(0) ?? 0)).join("")}"`;
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

function quoteChar(code: number): string {
  return SHORT[code] ?? (code < 32 || code === 127 ? hex(code) : String.fromCodePoint(code));
}
