import type { MessageInitShape } from "@bufbuild/protobuf";
import { AtollError } from "../../shared/errors.js";
import type { MinVersionSchema } from "../../shared/gen/atoll/global/v1/contract_pb.js";
import { durationMs } from "./duration.js";
import type { Environment } from "./environment.js";
import { FRESHNESS_COLUMNS, freshnessJson, freshnessRow } from "./freshness.js";

/** The options of `digest wait`, as they were typed. */
export interface WaitOptions {
  readonly region: string;
  readonly revision: string;
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
  const minVersion = minVersionOf(options);
  const timeoutMs = durationMs(options.timeout, "--timeout");
  const contract = { regions: [{ region: options.region, minVersion }] };
  const { regions } = await environment.withClient((client) =>
    client.wait({ summary, contract, timeoutMs }),
  );
  if (environment.form === "json")
    environment.json({ met: true, regions: regions.map(freshnessJson) });
  else environment.table(FRESHNESS_COLUMNS, regions.map(freshnessRow));
}

function minVersionOf(options: WaitOptions): MessageInitShape<typeof MinVersionSchema> {
  const { clusterId, nonce } = options;
  const revision = integerOf(options.revision, "--revision");
  if ((clusterId === undefined) === (nonce === undefined)) {
    const message =
      "--cluster-id or --nonce: name one of them, to say in which life of the region the write was made";
    throw new AtollError("INVALID_ARGUMENT", message);
  }
  if (nonce !== undefined) return { revision, life: { case: "nonce", value: nonce } };
  const value = integerOf(clusterId ?? "", "--cluster-id");
  return { revision, life: { case: "clusterId", value } };
}

function integerOf(text: string, option: string): bigint {
  if (!/^\d+$/.test(text)) {
    throw new AtollError("INVALID_ARGUMENT", `${option}: ${text} is not a whole number`);
  }
  return BigInt(text);
}
