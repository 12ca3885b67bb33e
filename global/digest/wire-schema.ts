import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Schema as SchemaMessage,
  type SchemaSchema,
  MeasureKind as WireKind,
} from "../../shared/gen/atoll/digest/v1/digest_pb.js";
import {
  MAX_EXPRESSION_BYTES,
  MAX_GROUP_BY_EXPRESSIONS,
  MAX_LISTED_VALUES,
  MAX_MEASURE_NAME_BYTES,
  MAX_MEASURES_PER_SUMMARY,
  MAX_PACKED_MEASURES,
} from "../../shared/limits.js";
import type { MeasureDescriptor, MeasureKind } from "./cell.js";
import { bytesFromHex, HASH_BYTES, hexFromBytes } from "./hash.js";
import { isPacked } from "./packed.js";
import { RETIRED, type Schema } from "./section.js";
import { bytes, list, malformed, text } from "./wire-check.js";

const MAX_SCALE = 9;

const WIRE_KINDS: Readonly<Record<MeasureKind, WireKind>> = {
  count: WireKind.COUNT,
  sum: WireKind.SUM,
  min: WireKind.MIN,
  max: WireKind.MAX,
  distinct: WireKind.DISTINCT,
  quantiles: WireKind.QUANTILES,
  any: WireKind.ANY,
  latest: WireKind.LATEST,
  set: WireKind.SET,
  top: WireKind.TOP,
};

const KINDS = new Map<WireKind, MeasureKind>(
  Object.entries(WIRE_KINDS).map(([kind, wire]) => [wire, kind as MeasureKind]),
);

/** A schema for the wire. */
export function encodeSchema(schema: Schema): MessageInitShape<typeof SchemaSchema> {
  return {
    fingerprint: bytesFromHex(schema.fingerprint),
    groupBy: [...schema.groupBy],
    measures: schema.measures.map(({ name, kind, scale, limit }) => ({
      name,
      kind: WIRE_KINDS[kind],
      scale,
      limit,
    })),
    retired: schema.retired,
  };
}

/** Checks a schema. Throws INVALID_ARGUMENT naming the field below `where`. */
export function decodeSchema(message: SchemaMessage, where: string): Schema {
  if (message.retired) {
    if (message.fingerprint.length + message.groupBy.length + message.measures.length > 0) {
      malformed(where, "is of a retired summary and must be empty otherwise");
    }
    return RETIRED;
  }
  const groupBy = list(message.groupBy, MAX_GROUP_BY_EXPRESSIONS, `${where}.group_by`);
  groupBy.forEach((expression, index) => {
    text(expression, MAX_EXPRESSION_BYTES, `${where}.group_by[${index}]`);
  });
  const names = new Set<string>();
  const measures = list(message.measures, MAX_MEASURES_PER_SUMMARY, `${where}.measures`).map(
    (measure, index): MeasureDescriptor => {
      const here = `${where}.measures[${index}]`;
      const name = text(measure.name, MAX_MEASURE_NAME_BYTES, `${here}.name`);
      if (name === "" || names.has(name)) malformed(`${here}.name`, "is empty or there twice");
      names.add(name);
      const kind = KINDS.get(measure.kind);
      if (kind === undefined) malformed(`${here}.kind`, `${measure.kind} is not known here`);
      const { scale, limit } = measure;
      if (scale > (kind === "sum" || kind === "top" ? MAX_SCALE : 0)) {
        malformed(`${here}.scale`, `is ${scale}; it must be 0 to 9 for sums and tops, else 0`);
      }
      const lists = kind === "set" || kind === "top";
      if (lists ? limit < 1 || limit > MAX_LISTED_VALUES : limit > 0) {
        malformed(
          `${here}.limit`,
          `is ${limit}; it must be 1 to ${MAX_LISTED_VALUES} for sets and tops, else 0`,
        );
      }
      return { name, kind, scale, limit };
    },
  );
  list(measures.filter(isPacked), MAX_PACKED_MEASURES, `${where}.measures, of kinds that pack,`);
  const fingerprint = bytes(message.fingerprint, [HASH_BYTES], `${where}.fingerprint`);
  return {
    fingerprint: hexFromBytes(fingerprint),
    groupBy: [...groupBy],
    measures,
    retired: false,
  };
}
