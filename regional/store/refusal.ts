import type { EtcdError } from "./etcd-errors.js";
import type { Mvcc } from "./mvcc.js";
import type { ErrorOutcome } from "./outcome.js";

/** The error of a command that can't be understood. */
export function malformed(what: string): EtcdError {
  return { code: "INVALID_ARGUMENT", message: `atoll: malformed command: ${what}` };
}

/** The outcome of a command that changed nothing. */
export function refuse(mvcc: Mvcc, error: EtcdError): ErrorOutcome {
  return { kind: "error", revision: mvcc.revision, error };
}
