import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OPERATORS } from "../digest/trust.js";

/** Where one deployment on this machine keeps its keys. */
export interface KeyFiles {
  /** Folder of public keys, for `--trust`. */
  readonly trust: string;
  /** The operators' private key, for the command line. */
  readonly operatorKey: string;
  /** A region's private key, for `--signing-key`. */
  readonly signingKey: (region: string) => string;
}

/** Where the keys below a folder are; whether they are there or not. */
export function keyFiles(folder: string): KeyFiles {
  const secret = (signer: string): string => join(folder, "keys", `${signer}.pem`);
  return { trust: join(folder, "trust"), operatorKey: secret(OPERATORS), signingKey: secret };
}

/** Makes the keys of regions and operators that aren't there yet; private ones are for their owner's eyes only. */
export function makeKeyFiles(folder: string, regions: readonly string[]): KeyFiles {
  const files = keyFiles(folder);
  mkdirSync(files.trust, { recursive: true });
  mkdirSync(join(folder, "keys"), { recursive: true, mode: 0o700 });
  for (const signer of [...regions, OPERATORS]) {
    const file = files.signingKey(signer);
    if (existsSync(file)) continue;
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const shared = publicKey.export({ type: "spki", format: "pem" });
    writeFileSync(join(files.trust, `${signer}.pem`), shared);
    writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  }
  return files;
}
