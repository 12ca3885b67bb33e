import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { AtollError } from "../../shared/errors.js";
import {
  type ContractSchema,
  type MinVersionSchema,
  OnMiss,
} from "../../shared/gen/atoll/global/v1/contract_pb.js";
import { collect } from "./command.js";
import { durationMs } from "./duration.js";

/** What is demanded of regions' parts, as it was typed. */
export interface ContractOptions {
  /** DURATION, or REGION=DURATION. */
  readonly maxStaleness?: readonly string[];
  /** REGION=REVISION@LIFE. */
  readonly minVersion?: readonly string[];
  readonly annotate?: boolean;
}

export type ContractMessage = MessageInitShape<typeof ContractSchema>;
type MinVersionMessage = MessageInitShape<typeof MinVersionSchema>;
interface DemandMessage {
  readonly region: string;
  maxStalenessMs?: number;
  minVersion?: MinVersionMessage;
}

const NONCE = /^[0-9a-f]{32}$/;

/** Adds the options of a contract to a command. */
export function withContractOptions(command: Command): Command {
  const several = (flags: string, description: string): Option =>
    new Option(flags, `${description}; may be given several times`).argParser(collect);
  return command
    .addOption(
      several(
        "--max-staleness <age>",
        "how old regions' parts may be, such as 5s, or eu-west=2s for one region",
      ),
    )
    .addOption(
      several(
        "--min-version <version>",
        "a write that must be there, as REGION=REVISION@CLUSTER-ID from the header of the put's answer, or @NONCE",
      ),
    )
    .option("--annotate", "show what isn't met instead of failing");
}

/** Reads the options of a contract. Throws INVALID_ARGUMENT naming the option. */
export function contractOf(options: ContractOptions): ContractMessage {
  const demands = new Map<string, DemandMessage>();
  const demandOf = (region: string): DemandMessage => {
    const demand = demands.get(region) ?? { region };
    demands.set(region, demand);
    return demand;
  };
  let everywhere: number | undefined;
  for (const text of options.maxStaleness ?? []) {
    const [, region, age = ""] = /^(?:([^=]+)=)?(.*)$/.exec(text) ?? [];
    const ms = durationMs(age, "--max-staleness");
    if (region === undefined) everywhere = ms;
    else demandOf(region).maxStalenessMs = ms;
  }
  for (const text of options.minVersion ?? []) {
    const [, region, revision = "", life = ""] = /^([^=]+)=([^@]*)@(.*)$/.exec(text) ?? [];
    if (region === undefined) {
      throw invalid("--min-version", `${text} is not REGION=REVISION@CLUSTER-ID, or @NONCE`);
    }
    const demand = demandOf(region);
    if (demand.minVersion !== undefined) {
      throw invalid("--min-version", `${region} is named twice`);
    }
    demand.minVersion = {
      revision: wholeNumber(revision, "--min-version"),
      life: NONCE.test(life)
        ? { case: "nonce", value: life }
        : { case: "clusterId", value: wholeNumber(life, "--min-version") },
    };
  }
  return {
    ...(everywhere === undefined ? {} : { maxStalenessMs: everywhere }),
    regions: [...demands.values()],
    ...(options.annotate === true ? { onMiss: OnMiss.ANNOTATE } : {}),
  };
}

/** Checks a nonce as it was typed. Throws INVALID_ARGUMENT naming the option. */
export function checkNonce(text: string, option: string): void {
  if (!NONCE.test(text)) {
    throw invalid(option, `${text} is not 32 lower-case hexadecimal digits; see regions -o json`);
  }
}

/** A whole number as it was typed. Throws INVALID_ARGUMENT naming the option. */
export function wholeNumber(text: string, option: string): bigint {
  if (!/^\d{1,20}$/.test(text)) throw invalid(option, `${text} is not a whole number`);
  return BigInt(text);
}

function invalid(option: string, reason: string): AtollError {
  return new AtollError("INVALID_ARGUMENT", `${option}: ${reason}`);
}
