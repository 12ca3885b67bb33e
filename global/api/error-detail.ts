import { create, toBinary } from "@bufbuild/protobuf";
import { AtollError, type Code, type TypedDetail } from "../../shared/errors.js";
import {
  ErrorDetailSchema,
  ErrorReason,
  type Miss as MissMessage,
  MissSchema,
  MissKind as WireKind,
} from "../../shared/gen/atoll/global/v1/contract_pb.js";
import type { Miss, MissKind } from "../view/contract.js";

const KINDS: Readonly<Record<MissKind, WireKind>> = {
  stale: WireKind.STALE,
  "age-unknown": WireKind.AGE_UNKNOWN,
  behind: WireKind.BEHIND,
  "lineage-lost": WireKind.LINEAGE_LOST,
  "life-unknown": WireKind.LIFE_UNKNOWN,
  ambiguous: WireKind.AMBIGUOUS,
  conflict: WireKind.CONFLICT,
  forgotten: WireKind.FORGOTTEN,
  "region-unknown": WireKind.REGION_UNKNOWN,
};

/** What a call fails with for a miss; FAILED_PRECONDITION unless said here. */
const CODES: Readonly<Partial<Record<MissKind, Code>>> = {
  "lineage-lost": "DATA_LOSS",
  forgotten: "NOT_FOUND",
  "region-unknown": "NOT_FOUND",
};

/** A miss for the wire. */
export function missMessage({ kind, region, message, final }: Miss): MissMessage {
  return create(MissSchema, { kind: KINDS[kind], region, message, final });
}

function typed(
  reason: ErrorReason,
  rest: { readonly field?: string; readonly misses?: MissMessage[] },
): TypedDetail {
  const bytes = toBinary(ErrorDetailSchema, create(ErrorDetailSchema, { reason, ...rest }));
  return { typeName: ErrorDetailSchema.typeName, bytes };
}

/** Throws what a caller is told of a field that can't be. */
export function invalid(field: string, what: string): never {
  throw new AtollError("INVALID_ARGUMENT", `${field}: ${what}`, {
    details: { field },
    typed: typed(ErrorReason.BAD_FIELD, { field }),
  });
}

/** What a caller is told who names, in `field`, a `what` that doesn't exist. */
export function notFound(
  field: string,
  what: string,
  name: string,
  known: readonly string[],
): AtollError {
  const listed = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
  return new AtollError("NOT_FOUND", `there is no ${what} ${JSON.stringify(name)}; ${listed}`, {
    details: { [what]: name },
    typed: typed(ErrorReason.NOT_FOUND, { field }),
  });
}

/**
 * The error of a call whose contract isn't met. Its code is that of the first miss that
 * waiting can't end, else `code`.
 */
export function contractError(
  misses: readonly Miss[],
  code: Code = "FAILED_PRECONDITION",
): AtollError {
  const final = misses.find((miss) => miss.final);
  const text = misses.map(({ region, message }) => `${region}: ${message}`).join("; ");
  const own = final === undefined ? code : (CODES[final.kind] ?? "FAILED_PRECONDITION");
  return new AtollError(own, `contract: ${text}`, {
    typed: typed(ErrorReason.CONTRACT, { misses: misses.map(missMessage) }),
  });
}
