import { utf8 } from "../../shared/bytes.js";
import { MAX_GROUP_KEY_BYTES } from "../../shared/limits.js";
import type { GroupKey } from "./cell.js";

/** UTF-8 bytes of a UTF-16 unit, at most. */
const MAX_BYTES_PER_UNIT = 3;
/** Of a bad key, what an error shows. */
const SHOWN_UNITS = 100;

/** What a group may be named by. */
type GroupValue = string | number | boolean | null;

/** The values that a group key stands for; undefined when it isn't one in canonical form. */
function groupValues(key: GroupKey): readonly GroupValue[] | undefined {
  if (!key.startsWith("[")) return undefined;
  let values: unknown;
  try {
    values = JSON.parse(key);
  } catch {
    return undefined;
  }
  if (!Array.isArray(values) || !values.every(isGroupValue)) return undefined;
  return JSON.stringify(values) === key ? values : undefined;
}

/** Whether a text from outside is a group key: canonical, and not too long. */
export function isGroupKey(key: string): boolean {
  return (
    (key.length * MAX_BYTES_PER_UNIT <= MAX_GROUP_KEY_BYTES ||
      utf8(key).length <= MAX_GROUP_KEY_BYTES) &&
    groupValues(key) !== undefined
  );
}

/** What to say of a text that isn't a group key. */
export function describeBadKey(key: string): string {
  const shown = key.length > SHOWN_UNITS ? `${key.slice(0, SHOWN_UNITS)}…` : key;
  return `"${shown}", which is not a group key: a JSON array of plain values without spaces, such as ["api"], of at most ${MAX_GROUP_KEY_BYTES} bytes`;
}

function isGroupValue(value: unknown): value is GroupValue {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
