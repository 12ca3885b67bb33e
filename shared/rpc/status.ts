import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { AtollError, CODES, type Code } from "../errors.js";

const NAME_OF_CODE = new Map<number, Code>(
  Object.entries(CODES).map(([name, value]) => [value, name as Code]),
);

/** The gRPC status of an error: code, message, and its details as trailers. */
export function toStatus(error: AtollError): StatusObject {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(error.details)) {
    metadata.set(`atoll-${key.toLowerCase()}`, String(value));
  }
  return { code: CODES[error.code], details: error.message, metadata };
}

/** The same as an error object, for grpc-js's callbacks. */
export function toServiceError(error: AtollError): ServiceError {
  return Object.assign(new Error(error.message), toStatus(error));
}

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
