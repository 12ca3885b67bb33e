import type { Logger } from "../../shared/log.js";
import type { Keyring } from "../trust/keyring.js";

/** Says by whose word the gateway goes. */
export function logTrust(keyring: Keyring | undefined, log: Logger): void {
  if (keyring === undefined) log.warn("unsigned: every gateway is believed");
  else log.info({ keyId: keyring.keyId, keys: keyring.size }, "signing");
}

/** Takes up changed public keys; what is wrong with them is said once. */
export function refreshKeys(keyring: Keyring | undefined, log: Logger): void {
  try {
    if (keyring?.refresh() !== true) return;
    log.info({ keys: keyring.size }, "the public keys were read again");
  } catch (error) {
    log.error({ err: error }, "the public keys that were there go on to count");
  }
}
