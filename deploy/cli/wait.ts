import { AtollError } from "../../shared/errors.js";
import {
  type ContractMessage,
  type ContractOptions,
  checkNonce,
  contractOf,
  wholeNumber,
} from "./contract-options.js";
import { durationMs } from "./duration.js";
import type { Environment } from "./environment.js";
import { FRESHNESS_COLUMNS, freshnessJson, freshnessRow } from "./freshness.js";

/** The options of `digest wait`, as they were typed. */
export interface WaitOptions extends ContractOptions {
  readonly region?: string | undefined;
  readonly revision?: string | undefined;
  readonly clusterId?: string;
  readonly nonce?: string;
  readonly timeout: string;
}

/** `atoll digest wait`: until a write of a region is in a summary, or the time is over. */
export async function waitForWrite(
  environment: Environment,
  summary: string,
  options: WaitOptions,
): Promise<void> {
  const timeoutMs = durationMs(options.timeout, "--timeout");
  const contract = awaitedOf(options);
  const { met, regions } = await environment.withClient((client) =>
    client.wait({ summary, contract, timeoutMs }),
  );
  if (environment.form === "json") environment.json({ met, regions: regions.map(freshnessJson) });
  else environment.table(FRESHNESS_COLUMNS, regions.map(freshnessRow));
}

function awaitedOf(options: WaitOptions): ContractMessage {
  const { region, revision, clusterId, nonce, maxStaleness = [], minVersion = [] } = options;
  if (region === undefined && revision === undefined) {
    if (maxStaleness.length + minVersion.length > 0) return contractOf(options);
    throw invalid("--region and --revision: say which write to wait for");
  }
  if (region === undefined) throw invalid("--region: say in which region the write was made");
  if (revision === undefined) throw invalid("--revision: give that of the put's answer");
  if ((clusterId === undefined) === (nonce === undefined)) {
    throw invalid(
      "--cluster-id or --nonce: name one of them, to say in which life of the region the write was made",
    );
  }
  wholeNumber(revision, "--revision");
  if (clusterId !== undefined) wholeNumber(clusterId, "--cluster-id");
  if (nonce !== undefined) checkNonce(nonce, "--nonce");
  const written = `${region}=${revision}@${nonce ?? clusterId}`;
  return contractOf({ ...options, minVersion: [written, ...minVersion] });
}

function invalid(message: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", message);
}
