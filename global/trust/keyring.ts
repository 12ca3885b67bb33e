import { type KeyObject, sign, verify } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { AtollError, errorText } from "../../shared/errors.js";
import { MAX_KEYS_PER_SIGNER } from "../../shared/limits.js";
import { isName } from "../../shared/topology.js";
import { type Distrust, OPERATORS, type Signature, type Trust } from "../digest/trust.js";
import { keyId, readPrivateKey, readPublicKeys } from "./keys.js";

const SUFFIX = ".pem";

/** Public keys by signer and key id. */
type Keys = ReadonlyMap<string, ReadonlyMap<string, KeyObject>>;

export interface KeyringOptions {
  /** Folder with a file `REGION.pem` for each region, and `_operators.pem`. */
  readonly folder: string;
  /** PEM file with the own region's private key. */
  readonly signingKey: string;
  readonly region: string;
}

/**
 * The keys of a deployment: what each region, and the operators, sign with. A file may
 * have several public keys, so that a key can be exchanged: first the new one is added
 * everywhere, then it is used, then the old one goes. Changed files are read again.
 */
export class Keyring implements Trust {
  readonly isOpen = false;
  /** Names the own key. */
  readonly keyId: string;
  readonly #options: KeyringOptions;
  readonly #own: KeyObject;
  #keys: Keys;
  #stamp: string;

  /** Throws NOT_FOUND or INVALID_ARGUMENT naming the setting and the file. */
  constructor(options: KeyringOptions) {
    const { folder, region, signingKey } = options;
    this.#options = options;
    this.#own = readPrivateKey(signingKey, "--signing-key");
    this.keyId = keyId(this.#own);
    this.#stamp = stampOf(folder);
    this.#keys = readFolder(folder);
    if (this.#keys.get(region)?.has(this.keyId) === true) return;
    throw new AtollError(
      "INVALID_ARGUMENT",
      `--signing-key: ${signingKey} is none of the keys of ${region} in ${join(folder, region + SUFFIX)}, ` +
        `so nobody would believe this gateway`,
    );
  }

  /** How many keys are known. */
  get size(): number {
    let size = 0;
    for (const keys of this.#keys.values()) size += keys.size;
    return size;
  }

  sign(statement: Uint8Array): Signature {
    return { signature: sign(null, statement, this.#own), keyId: this.keyId };
  }

  verify(signer: string, signed: Signature, statement: Uint8Array): Distrust | undefined {
    const key = this.#keys.get(signer)?.get(signed.keyId);
    if (key === undefined) return "unknown-key";
    return verify(null, statement, key, signed.signature) ? undefined : "forged";
  }

  /**
   * Reads the folder again if it changed; true when it did. Throws naming the file when
   * something is wrong with it; the keys that were there go on to count.
   */
  refresh(): boolean {
    const stamp = stampOf(this.#options.folder);
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.#keys = readFolder(this.#options.folder);
    return true;
  }
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(SUFFIX));
  } catch (error) {
    throw new AtollError("NOT_FOUND", `--trust: can't read ${folder}: ${errorText(error)}`, {
      cause: error,
    });
  }
}

/** Changes whenever a file of the folder does. */
function stampOf(folder: string): string {
  return filesOf(folder)
    .map((name) => {
      const stat = statSync(join(folder, name), { throwIfNoEntry: false });
      return `${name} ${stat?.mtimeMs} ${stat?.size} ${stat?.ino}`;
    })
    .sort()
    .join("\n");
}

function readFolder(folder: string): Keys {
  const keys = new Map<string, ReadonlyMap<string, KeyObject>>();
  for (const name of filesOf(folder)) {
    const signer = name.slice(0, -SUFFIX.length);
    const file = join(folder, name);
    if (signer !== OPERATORS && !isName(signer)) {
      const message = `--trust: ${file} is named after no region, nor is it ${OPERATORS}${SUFFIX}`;
      throw new AtollError("INVALID_ARGUMENT", message);
    }
    const own = readPublicKeys(file, "--trust");
    if (own.length > MAX_KEYS_PER_SIGNER) {
      const message = `--trust: ${file} has ${own.length} keys; at most ${MAX_KEYS_PER_SIGNER} are allowed`;
      throw new AtollError("INVALID_ARGUMENT", message);
    }
    keys.set(signer, new Map(own.map((key) => [keyId(key), key])));
  }
  return keys;
}
