import type { BinaryKey } from "../../../shared/bytes.js";
import { fromBinaryKey, fromUtf8 } from "../../../shared/bytes.js";
import { MAX_RECORD_BYTES, MAX_RECORD_DEPTH, MAX_RECORD_VALUES } from "../../../shared/limits.js";

/** A plain JSON value, as JSON.parse gives it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [k: string]: Json };

const NOT_ASCII = /[^\0-\x7f]/;

/** A key as text; bytes that aren't UTF-8 become U+FFFD. */
export function keyText(key: BinaryKey): string {
  return NOT_ASCII.test(key) ? fromUtf8(fromBinaryKey(key)) : key;
}

/**
 * One record as expressions see it: `key`, `parts` and `value`. Everything is worked
 * out when it is first asked for and then kept, whatever number of summaries ask.
 */
export class Bindings {
  #key: BinaryKey = "";
  #modRevision = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #keyText: string | undefined;
  #parts: string[] | undefined;
  #partsFrom = 0;
  #json: { readonly value: Json } | { readonly error: string } | undefined;
  #celValue: { readonly value: unknown } | undefined;

  /** Takes the next record. `modRevision` is the region's revision at which it was written. */
  bind(key: BinaryKey, bytes: Uint8Array, modRevision: number): void {
    this.#modRevision = modRevision;
    this.#key = key;
    this.#bytes = bytes;
    this.#keyText = undefined;
    this.#parts = undefined;
    this.#json = undefined;
    this.#celValue = undefined;
  }

  /** Says where, in bytes, the prefix of the summary at hand ends. */
  below(prefixBytes: number): void {
    if (this.#partsFrom === prefixBytes) return;
    this.#partsFrom = prefixBytes;
    this.#parts = undefined;
  }

  /** The revision at which the record was written; not for expressions. */
  get modRevision(): number {
    return this.#modRevision;
  }

  /** Why the value isn't usable at all; undefined when it is. */
  get fault(): string | undefined {
    const json = this.#parse();
    return "error" in json ? json.error : undefined;
  }

  /** The value as plain JSON; only when there is no `fault`. */
  get json(): Json {
    const json = this.#parse();
    return "error" in json ? null : json.value;
  }

  /** CEL: the whole key. */
  get key(): string {
    this.#keyText ??= keyText(this.#key);
    return this.#keyText;
  }

  /** CEL: what follows the prefix in the key, split at "/". */
  get parts(): string[] {
    this.#parts ??= keyText(this.#key.slice(this.#partsFrom)).split("/");
    return this.#parts;
  }

  /** CEL: the value. Objects become Maps, because a plain object's field may hide what it is. */
  get value(): unknown {
    this.#celValue ??= { value: new Conversion().convert(this.json, 0) };
    return this.#celValue.value;
  }

  #parse(): { readonly value: Json } | { readonly error: string } {
    this.#json ??= parseJson(this.#bytes);
    return this.#json;
  }
}

function parseJson(bytes: Uint8Array): { readonly value: Json } | { readonly error: string } {
  if (bytes.length > MAX_RECORD_BYTES) {
    return { error: `the value has ${bytes.length} bytes; the limit is ${MAX_RECORD_BYTES}` };
  }
  try {
    return { value: JSON.parse(fromUtf8(bytes)) as Json };
  } catch {
    return { error: bytes.length === 0 ? "the value is empty" : "the value is not JSON" };
  }
}

/** Bounds how much one evaluation can be made to walk, and how deep. */
class Conversion {
  #count = 0;

  convert(json: Json, depth: number): unknown {
    if (++this.#count > MAX_RECORD_VALUES) {
      throw new Error(`the value holds more than ${MAX_RECORD_VALUES} values`);
    }
    if (json === null || typeof json !== "object") return json;
    if (depth >= MAX_RECORD_DEPTH) {
      throw new Error(`the value is nested deeper than ${MAX_RECORD_DEPTH}`);
    }
    if (isArray(json)) return json.map((item) => this.convert(item, depth + 1));
    const map = new Map<string, unknown>();
    for (const name of Object.keys(json)) {
      map.set(name, this.convert(json[name] as Json, depth + 1));
    }
    return map;
  }
}

function isArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
