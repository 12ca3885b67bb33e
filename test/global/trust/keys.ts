import { createPrivateKey, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Order, type OrderStatement, orderBytes } from "../../../global/digest/orders.js";
import { type KeyFiles, makeKeyFiles } from "../../../global/trust/key-files.js";
import { Keyring } from "../../../global/trust/keyring.js";
import { keyId } from "../../../global/trust/keys.js";

/** A deployment's keys in a folder of their own. */
export class TestKeys {
  readonly folder = mkdtempSync(join(tmpdir(), "atoll-keys-"));
  readonly files: KeyFiles;

  constructor(regions: readonly string[]) {
    this.files = makeKeyFiles(this.folder, regions);
  }

  /** What a gateway of a region is given. */
  keyring(region: string): Keyring {
    const { trust, signingKey } = this.files;
    return new Keyring({ folder: trust, signingKey: signingKey(region), region });
  }

  /** An operator's order, signed. */
  order(statement: OrderStatement): Order {
    const key = createPrivateKey(readFileSync(this.files.operatorKey));
    return { ...statement, signature: sign(null, orderBytes(statement), key), keyId: keyId(key) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
