import { z } from "zod";
import { parseRecord } from "./incarnation.js";
import { INTENT_KEY } from "./keys.js";

/** What a region is for, by its own word: only `active` regions are given new work. */
export const INTENTS = ["active", "draining", "evacuated", "standby"] as const;
export type Intent = (typeof INTENTS)[number];

/** What a region that says nothing is for. */
export const DEFAULT_INTENT: Intent = "active";

const FORMAT = 1;
const schema = z.strictObject({
  format: z.literal(FORMAT),
  intent: z.enum(INTENTS, { message: `is not one of ${INTENTS.join(", ")}` }),
});

export function isIntent(text: string): text is Intent {
  return (INTENTS as readonly string[]).includes(text);
}

/** Reads a value of `/atoll/intent`. Throws DATA_LOSS naming the key and the field. */
export function parseIntent(text: string): Intent {
  return parseRecord(INTENT_KEY, schema, text).intent;
}
