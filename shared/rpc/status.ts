import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { AtollError, CODES, type Code } from "../errors.js";
import { DETAILS_TRAILER, decodeTypedDetail, encodeTypedDetail } from "./typed-detail.js";

const NAME_OF_CODE = new Map<number, Code>(
  Object.entries(CODES).map(([name, value]) => [value, name as Code]),
);

/** An error for grpc-js's callbacks: code, message, and its details as trailers. */
export function toServiceError(error: AtollError): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(error.details)) {
    // Metadata values are printable ASCII; other text is percent-encoded, as grpc-message is.
    metadata.set(`atoll-${key.toLowerCase()}`, encodeURI(String(value)));
  }
  if (error.typed !== undefined) {
    metadata.set(DETAILS_TRAILER, encodeTypedDetail(error, error.typed));
  }
  const { message } = error;
  return Object.assign(new Error(message), { code: CODES[error.code], details: message, metadata });
}

/**
 * The error of a failed call of ours, with its typed detail; `target` names the server in
 * its details.
 */
export function fromServiceError(error: unknown, target: string): AtollError {
  if (error instanceof AtollError) return error;
  const failed = error as Partial<ServiceError>;
  const code = NAME_OF_CODE.get(failed.code ?? status.UNKNOWN) ?? "UNKNOWN";
  const trailer = failed.metadata?.get(DETAILS_TRAILER)[0];
  return new AtollError(code, failed.details || failed.message || "the call failed", {
    cause: error,
    details: { target },
    typed: trailer instanceof Buffer ? decodeTypedDetail(trailer) : undefined,
  });
}
