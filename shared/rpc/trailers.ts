import type { OutgoingHttpHeaders } from "node:http2";
import { type AtollError, CODES } from "../errors.js";

/** Printable ASCII except the percent sign goes as it is. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
}

/** A text as `grpc-message` wants it: UTF-8, percent-encoded where it isn't plain ASCII. */
export function encodeGrpcMessage(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.every(isPlain)) return text;
  let encoded = "";
  for (const byte of bytes) {
    encoded += isPlain(byte)
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The trailers of a call that succeeded. */
export const OK_TRAILERS: OutgoingHttpHeaders = { "grpc-status": "0" };

/** The trailers of a call that failed: code, message, and the error's details. */
export function errorTrailers(error: AtollError): OutgoingHttpHeaders {
  const trailers: OutgoingHttpHeaders = {
    "grpc-status": String(CODES[error.code]),
    "grpc-message": encodeGrpcMessage(error.message),
  };
  for (const [key, value] of Object.entries(error.details)) {
    trailers[`atoll-${key.toLowerCase()}`] = encodeGrpcMessage(String(value));
  }
  return trailers;
}
