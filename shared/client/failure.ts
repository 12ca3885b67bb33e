import { fromBinary } from "@bufbuild/protobuf";
import { AtollError, type Code } from "../errors.js";
import { type ErrorDetail, ErrorDetailSchema } from "../gen/atoll/global/v1/contract_pb.js";

/** Failures that another gateway may not have. */
const ELSEWHERE: ReadonlySet<Code> = new Set([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "UNKNOWN",
  "INTERNAL",
  "RESOURCE_EXHAUSTED",
]);

/**
 * What a gateway says of a failed call for programs: the field that is wrong, or the
 * demands that aren't met. Undefined when the call failed on its way.
 */
export function errorDetail(thrown: unknown): ErrorDetail | undefined {
  if (!(thrown instanceof AtollError) || thrown.typed === undefined) return undefined;
  const { typeName, bytes } = thrown.typed;
  if (typeName !== ErrorDetailSchema.typeName) return undefined;
  try {
    return fromBinary(ErrorDetailSchema, new Uint8Array(bytes));
  } catch {
    return undefined;
  }
}

/** Whether the next gateway is to be asked: the failure says nothing of the question itself. */
export function mayFailOver(thrown: unknown): boolean {
  if (!(thrown instanceof AtollError) || !ELSEWHERE.has(thrown.code)) return false;
  return errorDetail(thrown) === undefined;
}
