import type { Cell } from "./gen/atoll/global/v1/global_pb.js";

/**
 * A cell as one number: a count, sum, least, greatest or (estimated) number of distinct
 * values. Undefined when it isn't one number.
 */
export function cellNumber(cell: Cell | undefined): number | undefined {
  const value = cell?.value;
  switch (value?.case) {
    case "count":
      return Number(value.value);
    case "sum":
    case "min":
    case "max":
      return value.value.value;
    case "distinct":
      return Number(value.value.estimate);
    default:
      return undefined;
  }
}
