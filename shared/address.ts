import { AtollError } from "./errors.js";

/** A `host:port` in its two parts. */
export interface HostPort {
  host: string;
  port: number;
}

/**
 * Parses `host:port` (IPv6 in brackets). `field` names the setting in the error.
 * Throws INVALID_ARGUMENT when it isn't one.
 */
export function parseHostPort(text: string, field: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port >= 0 && port <= 65_535)) {
    throw new AtollError(
      "INVALID_ARGUMENT",
      `${field}: "${text}" is not host:port, such as 127.0.0.1:2379`,
    );
  }
  return { host, port };
}

/** The opposite of parseHostPort. */
export function formatHostPort(address: HostPort): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
