import type { Cell } from "./gen/atoll/global/v1/global_pb.js";

/** A cell as JSON: a number or value, an object of them, or null when there is none. */
export function cellJson(cell: Cell | undefined): unknown {
  const value = cell?.value;
  switch (value?.case) {
    case "count":
      return Number(value.value);
    case "sum":
      return value.value.value;
    case "min":
    case "max":
      return value.value.value ?? null;
    case "distinct": {
      const { estimate, standardError } = value.value;
      return { estimate: Number(estimate), standardError };
    }
    case "any":
      return value.value.kind.value ?? null;
    case "latest":
      return { value: value.value.value?.kind.value ?? null, order: value.value.order };
    case "set": {
      const { values, truncated } = value.value;
      return { values: values.map(({ kind }) => kind.value ?? null), truncated };
    }
    case "top":
      return {
        entries: value.value.entries.map((entry) => ({
          value: entry.value?.kind.value ?? null,
          weight: entry.weight?.value ?? null,
          error: entry.error?.value ?? null,
        })),
        unlisted: value.value.unlisted?.value ?? null,
      };
    case "quantiles": {
      const { count, min, p50, p90, p99, p999, max } = value.value;
      return { count: Number(count), min, p50, p90, p99, p999, max };
    }
    default:
      return null;
  }
}
