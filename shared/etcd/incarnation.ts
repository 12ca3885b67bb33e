import { z } from "zod";
import { AtollError, errorText } from "../errors.js";

/**
 * One life of a region's state, the value of `/atoll/incarnation`. Restoring a
 * backup begins a new one, because a restored store may keep its cluster id, its
 * term and, in time, even overtake its old revision.
 */
export interface Incarnation {
  /** 1 for the first life; each restore raises it. */
  readonly counter: number;
  /** 128 random bits as 32 lower-case hexadecimal digits. */
  readonly nonce: string;
  /** Revision that the restore went back to; 0 for the first life. */
  readonly baseRevision: number;
  /** Nonce of the life it was restored from; empty for the first. */
  readonly parentNonce: string;
}

const FORMAT = 1;
const revision = z.int().min(0);
const nonce = z.string().regex(/^[0-9a-f]{32}$/, "is not 32 lower-case hexadecimal digits");
const schema = z.strictObject({
  format: z.literal(FORMAT),
  counter: z.int().min(1),
  nonce,
  baseRevision: revision,
  parentNonce: z.union([z.literal(""), nonce]),
});

/** The value that stands at `/atoll/incarnation`: JSON, fields in a fixed order. */
export function encodeIncarnation(incarnation: Incarnation): string {
  const { counter, nonce, baseRevision, parentNonce } = incarnation;
  return JSON.stringify({ format: FORMAT, counter, nonce, baseRevision, parentNonce });
}

/** Reads a value of `/atoll/incarnation`. Throws DATA_LOSS naming the key and the field. */
export function parseIncarnation(text: string): Incarnation {
  const { counter, nonce, baseRevision, parentNonce } = parseRecord(
    "/atoll/incarnation",
    schema,
    text,
  );
  return { counter, nonce, baseRevision, parentNonce };
}

/** Reads a JSON record that Atoll itself wrote. Throws DATA_LOSS naming key and field. */
export function parseRecord<T>(key: string, schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AtollError("DATA_LOSS", `the value of ${key} is not JSON: ${errorText(error)}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join(".") || "the value";
  throw new AtollError("DATA_LOSS", `${key}: ${field}: ${issue?.message}`);
}
