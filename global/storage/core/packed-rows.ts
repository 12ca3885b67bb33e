import { ByteReader } from "../../digest/byte-reader.js";
import { ByteWriter } from "../../digest/byte-writer.js";

/** What is to be done with a row. */
export type RowOperation = (typeof OPERATIONS)[number];

const OPERATIONS = [
  /** Write it; on the way back, what it is. */
  "put",
  /** Remove it. */
  "remove",
  /** Remove all rows whose keys begin with its key. */
  "remove-all",
  /** It is there, but it isn't what was written. */
  "damaged",
] as const;

const NOTHING = new Uint8Array(0);

/** A row, or what is to be done with it, on its way between threads. */
export interface PackedRow {
  readonly operation: RowOperation;
  readonly key: Uint8Array;
  /** Empty unless it is put. */
  readonly value: Uint8Array;
}

/** Puts rows into one piece of memory, which can change threads without being copied. */
export class RowPacker {
  readonly #writer = new ByteWriter();
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#writer.written().length;
  }

  /** Both are copied. */
  add(operation: RowOperation, key: Uint8Array, value: Uint8Array = NOTHING): void {
    const writer = this.#writer;
    writer.byte(OPERATIONS.indexOf(operation));
    writer.uint32(key.length);
    writer.bytes(key);
    writer.uint32(value.length);
    writer.bytes(value);
    this.#rows++;
  }

  /** All rows since this was called last, in memory of their own. */
  take(): Uint8Array<ArrayBuffer> {
    const packed = Uint8Array.from(this.#writer.written());
    this.#writer.reset();
    this.#rows = 0;
    return packed;
  }
}

/** Rows that were packed, in their order; keys and values are views of the memory. */
export function* unpackRows(packed: Uint8Array): Generator<PackedRow> {
  const reader = new ByteReader(packed, "packed rows");
  while (!reader.atEnd) {
    const operation = OPERATIONS[reader.byte()] ?? reader.fail("have an unknown operation");
    const key = reader.bytes(reader.uint32());
    yield { operation, key, value: reader.bytes(reader.uint32()) };
  }
}
