import { type ServiceError, status } from "@grpc/grpc-js";
import { AtollError, CODES, type Code } from "../errors.js";

const NAME_OF_CODE = new Map<number, Code>(
  Object.entries(CODES).map(([name, value]) => [value, name as Code]),
);

/** The error of a failed call of ours; `target` names the server in its details. */
export function fromServiceError(error: unknown, target: string): AtollError {
  if (error instanceof AtollError) return error;
  const failed = error as Partial<ServiceError>;
  const code = NAME_OF_CODE.get(failed.code ?? status.UNKNOWN) ?? "UNKNOWN";
  return new AtollError(code, failed.details || failed.message || "the call failed", {
    cause: error,
    details: { target },
  });
}
