import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { AtollError, errorText } from "../errors.js";
import type { TlsIdentity } from "../rpc/client.js";
import type { EtcdAccess, EtcdUser } from "./access.js";

/** Options for an etcd cluster that wants TLS or a user; named as etcdctl's. */
export const ETCD_OPTIONS = [
  "etcd-cacert",
  "etcd-cert",
  "etcd-key",
  "etcd-server-name",
  "etcd-user",
  "etcd-password",
  "etcd-password-file",
] as const;
export type EtcdOption = (typeof ETCD_OPTIONS)[number];

/** What was given for each option. */
export type EtcdTexts = { readonly [Option in EtcdOption]?: string | undefined };

/** Names where an option was given: `--etcd-user`, or `ATOLL_ETCD_USER`. */
export type EtcdSourceOf = (option: EtcdOption) => string;

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}

/** Whether any of the options was given. */
export function hasEtcdOptions(texts: EtcdTexts): boolean {
  return ETCD_OPTIONS.some((option) => texts[option] !== undefined);
}

/**
 * Reads what the options name; to be called again when the files may have changed.
 * Throws NOT_FOUND or INVALID_ARGUMENT naming option and file.
 */
export function parseEtcdAccess(texts: EtcdTexts, sourceOf: EtcdSourceOf): EtcdAccess {
  const read = (option: EtcdOption): Buffer | undefined => {
    const file = texts[option];
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      const message = `${sourceOf(option)}: can't read ${file}: ${errorText(error)}`;
      throw new AtollError("NOT_FOUND", message, { cause: error });
    }
  };
  return { tls: tlsOf(texts, sourceOf, read), user: userOf(texts, sourceOf, read) };
}

function tlsOf(
  texts: EtcdTexts,
  sourceOf: EtcdSourceOf,
  read: (option: EtcdOption) => Buffer | undefined,
): TlsIdentity | undefined {
  if (texts["etcd-cacert"] === undefined) {
    for (const option of ["etcd-cert", "etcd-key", "etcd-server-name"] as const) {
      if (texts[option] === undefined) continue;
      throw invalid(`${sourceOf(option)}: means nothing without --etcd-cacert`);
    }
    return undefined;
  }
  for (const [one, other] of [
    ["etcd-cert", "etcd-key"],
    ["etcd-key", "etcd-cert"],
  ] as const) {
    if (texts[one] !== undefined && texts[other] === undefined) {
      throw invalid(`${sourceOf(one)}: give --${other} with it`);
    }
  }
  const [ca, cert, key] = [read("etcd-cacert"), read("etcd-cert"), read("etcd-key")];
  checkPem("--etcd-cacert", { ca });
  if (cert !== undefined) checkPem("--etcd-cert, --etcd-key", { cert, key });
  return { ca, cert, key, serverName: texts["etcd-server-name"] };
}

function checkPem(options: string, parts: Pick<SecureContextOptions, "ca" | "cert" | "key">): void {
  try {
    createSecureContext(parts);
  } catch (error) {
    throw invalid(`${options}: not a certificate, or key, in PEM that fits: ${errorText(error)}`);
  }
}

function userOf(
  texts: EtcdTexts,
  sourceOf: EtcdSourceOf,
  read: (option: EtcdOption) => Buffer | undefined,
): EtcdUser | undefined {
  const { "etcd-user": name, "etcd-password": given } = texts;
  if (given !== undefined && sourceOf("etcd-password") === "--etcd-password") {
    // Everybody on the machine can read a command line.
    throw invalid("--etcd-password: give it in --etcd-password-file, or ATOLL_ETCD_PASSWORD");
  }
  const password = read("etcd-password-file")?.toString("utf8").trimEnd() ?? given;
  if (name === undefined && password === undefined) return undefined;
  if (name === undefined) throw invalid("--etcd-user: is missing beside the password");
  if (password === undefined) {
    throw invalid(`${sourceOf("etcd-user")}: give --etcd-password-file with it`);
  }
  return { name, password };
}
