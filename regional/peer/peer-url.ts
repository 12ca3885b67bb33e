import { formatHostPort, type HostPort, parseHostPort } from "../../shared/address.js";

const SCHEME = "http://";

/** The URL under which a member's address stands in the membership. */
export function peerUrl(address: HostPort): string {
  return `${SCHEME}${formatHostPort(address)}`;
}

/** The address in such a URL; undefined when it isn't one. Members speak no TLS. */
export function parsePeerUrl(url: string): HostPort | undefined {
  if (!url.startsWith(SCHEME)) return undefined;
  try {
    return parseHostPort(url.slice(SCHEME.length), "peer URL");
  } catch {
    return undefined;
  }
}
