import {
  type Contract,
  type MinVersion as MinVersionMessage,
  OnMiss,
} from "../../shared/gen/atoll/global/v1/contract_pb.js";
import type { Demand, MinVersion } from "../view/contract.js";
import { invalid } from "./error-detail.js";
import { bounded } from "./request-checks.js";

const NONCE = /^[0-9a-f]{32}$/;

/** A request's contract, checked. */
export interface AskedContract {
  /** Misses are annotated; else they fail the call. */
  readonly annotate: boolean;
  /** What is demanded of each region that has no demand of its own. */
  readonly everywhere: Demand;
  readonly regions: ReadonlyMap<string, Demand>;
  /** Nothing is demanded. */
  readonly isEmpty: boolean;
}

/**
 * Reads a contract. `included` are the regions that the request names, empty for all.
 * Throws INVALID_ARGUMENT naming the field.
 */
export function readContract(
  message: Contract | undefined,
  included: readonly string[],
): AskedContract {
  const onMiss = message?.onMiss ?? OnMiss.UNSPECIFIED;
  if (OnMiss[onMiss] === undefined) {
    invalid("contract.on_miss", `is ${onMiss}; it must be ON_MISS_FAIL or ON_MISS_ANNOTATE`);
  }
  const everywhere = { maxStalenessMs: message?.maxStalenessMs, minVersion: undefined };
  const regions = new Map<string, Demand>();
  bounded(message?.regions ?? [], "contract.regions");
  for (const [index, demand] of (message?.regions ?? []).entries()) {
    const field = `contract.regions[${index}]`;
    const { region, minVersion } = demand;
    if (region === "") invalid(`${field}.region`, "is empty; name a region");
    if (regions.has(region)) invalid(`${field}.region`, `${JSON.stringify(region)} is named twice`);
    if (included.length > 0 && !included.includes(region)) {
      const listed = included.join(", ");
      invalid(`${field}.region`, `${JSON.stringify(region)} is not one of regions: ${listed}`);
    }
    regions.set(region, {
      maxStalenessMs: demand.maxStalenessMs ?? everywhere.maxStalenessMs,
      minVersion:
        minVersion === undefined ? undefined : readMinVersion(minVersion, `${field}.min_version`),
    });
  }
  const isEmpty = regions.size === 0 && everywhere.maxStalenessMs === undefined;
  return { annotate: onMiss === OnMiss.ANNOTATE, everywhere, regions, isEmpty };
}

function readMinVersion(message: MinVersionMessage, field: string): MinVersion {
  const revision = safeInteger(message.revision, `${field}.revision`);
  if (revision === 0) invalid(`${field}.revision`, "is 0; give the revision of the put's answer");
  const counter = safeInteger(message.incarnation, `${field}.incarnation`);
  const { life } = message;
  switch (life.case) {
    case "nonce":
      if (!NONCE.test(life.value)) {
        invalid(`${field}.nonce`, "is not 32 lower-case hexadecimal digits");
      }
      return { revision, life: { nonce: life.value }, counter };
    case "clusterId":
      if (life.value === 0n) invalid(`${field}.cluster_id`, "is 0; no cluster has that id");
      return { revision, life: { clusterId: life.value.toString(16) }, counter };
    default:
      return invalid(`${field}.life`, "is missing; give nonce, or cluster_id from a put's answer");
  }
}

function safeInteger(value: bigint, field: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    invalid(field, `is ${value}; at most ${Number.MAX_SAFE_INTEGER} is allowed`);
  }
  return Number(value);
}
