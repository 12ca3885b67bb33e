import { toBinaryKey } from "../../../shared/bytes.js";
import { MAX_LISTED_VALUES } from "../../../shared/limits.js";
import { ByteWriter } from "../byte-writer.js";
import { PackedReader } from "../packed-reader.js";
import { checkValue, type ValueCode } from "./value-code.js";

/** The least values of a set, and whether there are more. */
export interface ValueSet {
  /** Ascending, each once. */
  readonly codes: readonly ValueCode[];
  readonly truncated: boolean;
}

const COMPLETE = 0;
const TRUNCATED = 1;

const writer = new ByteWriter();

export function packSet({ codes, truncated }: ValueSet): string {
  writer.reset();
  writer.byte(truncated ? TRUNCATED : COMPLETE);
  for (const code of codes) {
    writer.varint(code.length);
    writer.binary(code);
  }
  return toBinaryKey(writer.written());
}

/** Throws INVALID_ARGUMENT unless the bytes are canonical. */
export function readSet(packed: string, where: string): ValueSet {
  const reader = new PackedReader(packed, where);
  const form = reader.byte();
  if (form > TRUNCATED) reader.fail(`begins with ${form}; a set begins with 0 or 1`);
  const codes: ValueCode[] = [];
  let before = "";
  while (!reader.atEnd) {
    const code = reader.text(reader.varint());
    checkValue(code, where);
    if (code <= before) reader.fail("has values out of order");
    codes.push(code);
    before = code;
  }
  if (codes.length > MAX_LISTED_VALUES) reader.fail(`has more than ${MAX_LISTED_VALUES} values`);
  return { codes, truncated: form === TRUNCATED };
}

/**
 * The set of all values of some sets, `limit` at most. Exact: a value that is among the
 * least of all is among the least of its own part.
 */
export function mergeSets(parts: readonly string[], limit: number): string {
  const all = new Set<ValueCode>();
  let truncated = false;
  for (const part of parts) {
    const set = readSet(part, "set");
    for (const code of set.codes) all.add(code);
    truncated ||= set.truncated;
  }
  const codes = [...all].sort();
  return packSet({ codes: codes.slice(0, limit), truncated: truncated || codes.length > limit });
}
