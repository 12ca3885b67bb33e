import type { TlsIdentity } from "../rpc/client.js";

/** Who a client logs in as. */
export interface EtcdUser {
  readonly name: string;
  readonly password: string;
}

/** How a region's etcd API is reached, besides where it is. */
export interface EtcdAccess {
  /** Undefined for connections in the clear. */
  readonly tls: TlsIdentity | undefined;
  /** Logs in with the first call, and again when a token has expired. */
  readonly user: EtcdUser | undefined;
}

/** In the clear, as nobody. */
export const OPEN_ACCESS: EtcdAccess = { tls: undefined, user: undefined };

/** Whether connections that were made with one identity would be made the same with the other. */
export function isSameTls(a: TlsIdentity | undefined, b: TlsIdentity | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    isSameFile(a.ca, b.ca) &&
    isSameFile(a.cert, b.cert) &&
    isSameFile(a.key, b.key) &&
    a.serverName === b.serverName
  );
}

function isSameFile(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

/** Whether two log-ins are one. */
export function isSameUser(a: EtcdUser | undefined, b: EtcdUser | undefined): boolean {
  return a?.name === b?.name && a?.password === b?.password;
}
