import { z } from "zod";
import { parseRecord } from "./incarnation.js";

/**
 * The value of `/atoll/lineage`. The region's gateways replace it about once a
 * second by compare-and-swap, so within one history the counter rises by exactly
 * one with each write. Whoever remembers one of these can tell later whether a
 * store still is in the same history.
 */
export interface Lineage {
  readonly counter: number;
  /** 64 random bits of the writer, 16 hexadecimal digits: tells apart two histories at one counter. */
  readonly nonce: string;
  /** Name of the gateway that wrote it. */
  readonly gateway: string;
}

/** A lineage record and where in the history it stands. */
export interface LineageMark extends Lineage {
  /** Mod revision of the record. */
  readonly revision: number;
}

const FORMAT = 1;
const schema = z.strictObject({
  format: z.literal(FORMAT),
  counter: z.int().min(1),
  nonce: z.string().regex(/^[0-9a-f]{16}$/, "is not 16 lower-case hexadecimal digits"),
  gateway: z.string(),
});

/** The value that stands at `/atoll/lineage`: JSON, fields in a fixed order. */
export function encodeLineage({ counter, nonce, gateway }: Lineage): string {
  return JSON.stringify({ format: FORMAT, counter, nonce, gateway });
}

/** Reads a value of `/atoll/lineage`. Throws DATA_LOSS naming the key and the field. */
export function parseLineage(text: string): Lineage {
  const { counter, nonce, gateway } = parseRecord("/atoll/lineage", schema, text);
  return { counter, nonce, gateway };
}
