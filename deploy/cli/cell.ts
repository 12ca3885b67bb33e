import {
  type Cell,
  type Measure,
  MeasureKind,
  type Quantiles,
  type TopEntry,
  type Value,
} from "../../shared/gen/atoll/global/v1/global_pb.js";

/** The quantiles that are shown of a spread, with their headings. */
const SHOWN: readonly (readonly [head: string, of: (spread: Quantiles) => number])[] = [
  ["p50", ({ p50 }) => p50],
  ["p90", ({ p90 }) => p90],
  ["p99", ({ p99 }) => p99],
];
/** Digits of a quantile, which is known to 1 %. */
const QUANTILE_DIGITS = 3;

/** The headings of a measure's columns in a table. */
export function measureHeads({ name, kind }: Measure): string[] {
  return kind === MeasureKind.QUANTILES ? SHOWN.map(([head]) => `${name} ${head}`) : [name];
}

/** A cell for a table: the text of each of its measure's columns. */
export function cellTexts(cell: Cell): string[] {
  const { value } = cell;
  switch (value.case) {
    case "count":
      return [String(value.value)];
    case "sum":
      return [withoutTrailingZeros(value.value.text)];
    case "min":
    case "max":
      return [String(value.value.value ?? "-")];
    case "distinct":
      return [withError(Number(value.value.estimate), value.value.standardError)];
    case "quantiles":
      return SHOWN.map(([, of]) => quantileText(of(value.value)));
    case "any":
      return [valueText(value.value)];
    case "latest":
      return [valueText(value.value.value)];
    case "set":
      return [[...value.value.values.map(valueText), ...rest(value.value.truncated)].join(",")];
    case "top":
      return [value.value.entries.map(entryText).join(",")];
    default:
      return ["-"];
  }
}

/** A cell in a line of its own group. */
export function cellLine(cell: Cell | undefined): string {
  if (cell === undefined) return "-";
  const texts = cellTexts(cell);
  if (cell.value.case !== "quantiles") return texts.join(" ");
  return SHOWN.map(([head], at) => `${head}:${texts[at]}`).join(",");
}

/** A sum to its last digit, without the zeros behind it. */
function withoutTrailingZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** An estimate with its standard error, unless that rounds to nothing. */
function withError(estimate: number, standardError: number): string {
  const error = Math.round(standardError);
  return error === 0 ? String(estimate) : `${estimate} ±${error}`;
}

function valueText(value: Value | undefined): string {
  return String(value?.kind.value ?? "-");
}

function rest(truncated: boolean): string[] {
  return truncated ? ["…"] : [];
}

/** A heavy value with its weight, and how much more that may be. */
function entryText({ value, weight, error }: TopEntry): string {
  const more =
    error === undefined || error.value === 0 ? "" : `+${withoutTrailingZeros(error.text)}`;
  return `${valueText(value)}:${withoutTrailingZeros(weight?.text ?? "")}${more}`;
}

function quantileText(value: number): string {
  return String(Number(value.toPrecision(QUANTILE_DIGITS)));
}
