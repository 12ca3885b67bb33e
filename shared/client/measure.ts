import { cellNumber } from "../cell-number.js";
import type { Definition, Group } from "../gen/atoll/global/v1/global_pb.js";

/**
 * A measure of a group as a number: a count, sum, least, greatest or (estimated) number of
 * distinct values. Undefined when the definition hasn't the measure, or it isn't one number.
 */
export function measureOf(
  group: Group | undefined,
  definition: Definition | undefined,
  name: string,
): number | undefined {
  const index = definition?.measures.findIndex((measure) => measure.name === name) ?? -1;
  return cellNumber(group?.cells[index]);
}
